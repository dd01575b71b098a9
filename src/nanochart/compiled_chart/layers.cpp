// A convolution of arrays (position, channel) with zeros around, and its adjoint:
//
//   y[p][o] = b[o] + sum_{k, c} w[o][c][k] x[Stride p + k - Left][c]
//
// The weights come as PyTorch orders them and are turned so that inner loops are over neighbours in
// memory.
template <int Inner, int Outer, int Kernel, int Stride, int Left>
struct Convolution {
  std::vector<double> forth, back;  // (k, c, o) and (k, o, c)
  const double* bias;

  Convolution(const double* weight, const double* bias_)
      : forth(Kernel * Inner * Outer), back(Kernel * Inner * Outer), bias(bias_) {
    for (int o = 0; o < Outer; ++o) {
      for (int c = 0; c < Inner; ++c) {
        for (int k = 0; k < Kernel; ++k) {
          const double w = weight[(o * Inner + c) * Kernel + k];
          forth[(k * Inner + c) * Outer + o] = w;
          back[(k * Outer + o) * Inner + c] = w;
        }
      }
    }
  }

  // y (count, Outer) of x (length, Inner).
  void apply(const double* x, int length, double* y, int count) const {
    for (int p = 0; p < count; ++p) {
      double sum[Outer];
      for (int o = 0; o < Outer; ++o) sum[o] = bias[o];
      for (int k = 0; k < Kernel; ++k) {
        const int from = Stride * p + k - Left;
        if (from < 0 || from >= length) continue;
        for (int c = 0; c < Inner; ++c) {
          const double value = x[from * Inner + c];
          const double* w = &forth[(k * Inner + c) * Outer];
          for (int o = 0; o < Outer; ++o) sum[o] += value * w[o];
        }
      }
      for (int o = 0; o < Outer; ++o) y[p * Outer + o] = sum[o];
    }
  }

  // Gradient x (length, Inner) of what has the gradient y (count, Outer).
  void pull(const double* y, int count, double* x, int length) const {
    std::fill(x, x + length * Inner, 0.0);
    for (int p = 0; p < count; ++p) {
      for (int k = 0; k < Kernel; ++k) {
        const int to = Stride * p + k - Left;
        if (to < 0 || to >= length) continue;
        double sum[Inner];
        for (int c = 0; c < Inner; ++c) sum[c] = x[to * Inner + c];
        for (int o = 0; o < Outer; ++o) {
          const double value = y[p * Outer + o];
          if (value == 0.0) continue;  // what a maximum or a ReLU did not let pass
          const double* w = &back[(k * Outer + o) * Inner];
          for (int c = 0; c < Inner; ++c) sum[c] += value * w[c];
        }
        for (int c = 0; c < Inner; ++c) x[to * Inner + c] = sum[c];
      }
    }
  }
};
