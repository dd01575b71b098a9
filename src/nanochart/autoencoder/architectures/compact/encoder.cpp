// Architecture "compact": four convolutions of stride 2 with SiLU, and a linear layer.
struct Encoder {
  Convolution<1, 8, 5, 2, 2> c0{encoder_convolutions_0_weight, encoder_convolutions_0_bias};
  Convolution<8, 16, 5, 2, 2> c1{encoder_convolutions_1_weight, encoder_convolutions_1_bias};
  Convolution<16, 32, 5, 2, 2> c2{encoder_convolutions_2_weight, encoder_convolutions_2_bias};
  Convolution<32, 32, 5, 2, 2> c3{encoder_convolutions_3_weight, encoder_convolutions_3_bias};
  int n[5];
  std::vector<double> x[5], slope[5], y[5];  // layers, derivatives of SiLU, gradients

  Encoder() {
    const int channels[5] = {1, 8, 16, 32, 32};
    n[0] = n_bins;
    for (int k = 0; k < 5; ++k) {
      if (k > 0) n[k] = (n[k - 1] + 1) / 2;
      x[k].resize(n[k] * channels[k]);
      slope[k].resize(x[k].size());
      y[k].resize(x[k].size());
    }
  }

  void silu(int k) {
    for (std::size_t i = 0; i < x[k].size(); ++i) {
      const double z = x[k][i], logistic = 1.0 / (1.0 + std::exp(-z));
      x[k][i] = z * logistic;
      slope[k][i] = logistic * (1.0 + z * (1.0 - logistic));
    }
  }

  void encode(const double* input, double* s) {
    std::copy(input, input + n_bins, x[0].begin());
    c0.apply(x[0].data(), n[0], x[1].data(), n[1]);
    silu(1);
    c1.apply(x[1].data(), n[1], x[2].data(), n[2]);
    silu(2);
    c2.apply(x[2].data(), n[2], x[3].data(), n[3]);
    silu(3);
    c3.apply(x[3].data(), n[3], x[4].data(), n[4]);
    silu(4);
    for (int d = 0; d < bottleneck; ++d) {
      const double* w = encoder_latent_weight + d * x[4].size();
      s[d] = encoder_latent_bias[d];
      for (std::size_t i = 0; i < x[4].size(); ++i) s[d] += w[i] * x[4][i];
    }
  }

  // Gradient of s[d] by the input of the last encode.
  const double* pull(int d) {
    const double* w = encoder_latent_weight + d * x[4].size();
    std::copy(w, w + x[4].size(), y[4].begin());
    for (int k = 4; k > 0; --k) {
      for (std::size_t i = 0; i < y[k].size(); ++i) y[k][i] *= slope[k][i];
      if (k == 4) c3.pull(y[4].data(), n[4], y[3].data(), n[3]);
      if (k == 3) c2.pull(y[3].data(), n[3], y[2].data(), n[2]);
      if (k == 2) c1.pull(y[2].data(), n[2], y[1].data(), n[1]);
      if (k == 1) c0.pull(y[1].data(), n[1], y[0].data(), n[0]);
    }
    return y[0].data();
  }
};
