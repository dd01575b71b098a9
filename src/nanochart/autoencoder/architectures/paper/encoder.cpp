// Architecture "paper" (Telari et al., Rep. Prog. Phys. 88, 068002 (2025)): four times a convolution
// of "same" length, max-pool 2, ReLU and batch norm, and a linear layer.
template <int Inner, int Outer, int Kernel>
struct Layer {
  Convolution<Inner, Outer, Kernel, 1, (Kernel - 1) / 2> convolution;
  int length;
  double gain[Outer], lift[Outer];     // the batch norm, an affine map in inference
  std::vector<double> z, out, y, below;  // before the pooling, the output, and gradients
  std::vector<int> source;             // position of the maximum, or -1 where it is below zero

  Layer(int length_, const double* weight, const double* bias, const double* norm_weight,
        const double* norm_bias, const double* mean, const double* variance)
      : convolution(weight, bias), length(length_), z(length_ * Outer), out(length_ / 2 * Outer),
        y(length_ * Outer), below(length_ * Inner), source(length_ / 2 * Outer) {
    for (int o = 0; o < Outer; ++o) {
      gain[o] = norm_weight[o] / std::sqrt(variance[o] + 1e-5);
      lift[o] = norm_bias[o] - gain[o] * mean[o];
    }
  }

  const double* apply(const double* x) {
    convolution.apply(x, length, z.data(), length);
    for (int p = 0; p < length / 2; ++p) {
      for (int o = 0; o < Outer; ++o) {
        const int at = z[2 * p * Outer + o] >= z[(2 * p + 1) * Outer + o] ? 2 * p : 2 * p + 1;
        const double value = z[at * Outer + o];
        source[p * Outer + o] = value > 0.0 ? at : -1;
        out[p * Outer + o] = gain[o] * std::max(value, 0.0) + lift[o];
      }
    }
    return out.data();
  }

  const double* pull(const double* above) {
    std::fill(y.begin(), y.end(), 0.0);
    for (int p = 0; p < length / 2; ++p) {
      for (int o = 0; o < Outer; ++o) {
        const int at = source[p * Outer + o];
        if (at >= 0) y[at * Outer + o] = gain[o] * above[p * Outer + o];
      }
    }
    convolution.pull(y.data(), length, below.data(), length);
    return below.data();
  }
};

#define NANOCHART_LAYER(k)                                                       \
  encoder_convolutions_##k##_weight, encoder_convolutions_##k##_bias,            \
      encoder_norms_##k##_weight, encoder_norms_##k##_bias,                      \
      encoder_norms_##k##_running_mean, encoder_norms_##k##_running_var

struct Encoder {
  Layer<1, 128, 20> l0{n_bins, NANOCHART_LAYER(0)};
  Layer<128, 64, 15> l1{n_bins / 2, NANOCHART_LAYER(1)};
  Layer<64, 32, 10> l2{n_bins / 4, NANOCHART_LAYER(2)};
  Layer<32, 16, 5> l3{n_bins / 8, NANOCHART_LAYER(3)};
  std::vector<double> top;  // (position, channel), where the linear layer has (channel, position)

  Encoder() : top(n_bins / 16 * 16) {}

  void encode(const double* input, double* s) {
    const double* x = l3.apply(l2.apply(l1.apply(l0.apply(input))));
    const int count = n_bins / 16;
    for (int d = 0; d < bottleneck; ++d) {
      const double* w = encoder_latent_weight + d * count * 16;
      s[d] = encoder_latent_bias[d];
      for (int p = 0; p < count; ++p) {
        for (int o = 0; o < 16; ++o) s[d] += w[o * count + p] * x[p * 16 + o];
      }
    }
  }

  // Gradient of s[d] by the input of the last encode.
  const double* pull(int d) {
    const int count = n_bins / 16;
    const double* w = encoder_latent_weight + d * count * 16;
    for (int p = 0; p < count; ++p) {
      for (int o = 0; o < 16; ++o) top[p * 16 + o] = w[o * count + p];
    }
    return l0.pull(l1.pull(l2.pull(l3.pull(top.data()))));
  }
};

#undef NANOCHART_LAYER
