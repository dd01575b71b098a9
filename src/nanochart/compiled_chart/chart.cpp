// The radial distribution function, its gradient, and the chart.
//
// The Gaussian of a bin is a spline of degree 7 in the distance r, with knots every `spacing`. With
// m the interval between knots that r is in, and t in [-1/2, 1/2) its place within it:
//   moments[m][q] = sum_pairs t^q,   weight[m + i] = sum_q spline[i][q] moments[m][q],
//   g[k] = 2 / (N (N - 1)) sum_j gaussian[j] weight[phases k + j].
// The gradient runs this backwards, so it is that of the value that is computed.
struct Chart {
  static const int cells = n_bins * phases + 1;  // r_max itself is in a cell of its own
  static const int n_pairs = n_atoms * (n_atoms - 1) / 2;
  Encoder encoder;
  std::vector<double> away, places, moments, weights, slopes, bins;
  std::vector<int> intervals;

  Chart()
      : away(n_pairs), places(n_pairs), moments(8 * cells), weights(n_weights),
        slopes(8 * bottleneck * cells), bins(n_bins), intervals(n_pairs) {}

  // Coordinates s (bottleneck) of positions x (n_atoms, 3) in angstrom that are multiplied by
  // `scale` first, and, unless it is null, their gradient (bottleneck, n_atoms, 3) in 1/angstrom.
  // Returns 0 and the longest distance, or 1 and a distance that is off the grid or no number.
  int evaluate(const double* x, double scale, double* s, double* gradient, double* distance) {
    double longest = 0.0;
    std::fill(moments.begin(), moments.end(), 0.0);
    for (int i = 0, pair = 0; i < n_atoms; ++i) {
      double* row = &away[pair];
      for (int j = i + 1; j < n_atoms; ++j) {
        const double a = x[3 * j] - x[3 * i], b = x[3 * j + 1] - x[3 * i + 1],
                     c = x[3 * j + 2] - x[3 * i + 2];
        row[j - i - 1] = std::sqrt(a * a + b * b + c * c);
      }
      for (int j = i + 1; j < n_atoms; ++j, ++pair) {
        const double r = scale * away[pair];
        if (!(r >= r_min && r <= r_max)) {
          *distance = away[pair];
          return 1;
        }
        if (away[pair] > longest) longest = away[pair];
        const double u = (r - r_min) / spacing;
        const int m = std::min(static_cast<int>(u), cells - 1);
        const double t = u - m - 0.5, t2 = t * t, t3 = t2 * t, t4 = t2 * t2;
        double* moment = &moments[8 * m];
        moment[0] += 1.0;
        moment[1] += t;
        moment[2] += t2;
        moment[3] += t3;
        moment[4] += t4;
        moment[5] += t4 * t;
        moment[6] += t4 * t2;
        moment[7] += t4 * t3;
        intervals[pair] = m;
        places[pair] = t;
      }
    }
    *distance = longest;
    std::fill(weights.begin(), weights.end(), 0.0);
    for (int m = 0; m < cells; ++m) {
      if (moments[8 * m] == 0.0) continue;
      for (int i = 0; i < 8; ++i) {
        double sum = 0.0;
        for (int q = 0; q < 8; ++q) sum += spline[8 * i + q] * moments[8 * m + q];
        weights[origin + m + i] += sum;
      }
    }
    for (int k = 0; k < n_bins; ++k) {
      double sum = 0.0;
      for (int j = 0; j < n_gaussian; ++j) sum += gaussian[j] * weights[phases * k + j];
      bins[k] = (sum / n_pairs - input_shift[k]) / input_scale[k];
    }
    encoder.encode(bins.data(), s);
    if (gradient) pull(x, scale, gradient);
    return 0;
  }

  // Gradients at the positions of the last evaluation.
  void pull(const double* x, double scale, double* gradient) {
    const int stride = 8 * bottleneck;
    for (int d = 0; d < bottleneck; ++d) {
      const double* by_bin = encoder.pull(d);
      std::fill(weights.begin(), weights.end(), 0.0);
      for (int k = 0; k < n_bins; ++k) {
        const double value = scale * by_bin[k] / (input_scale[k] * n_pairs * spacing);
        for (int j = 0; j < n_gaussian; ++j) weights[phases * k + j] += gaussian[j] * value;
      }
      for (int m = 0; m < cells; ++m) {
        for (int q = 0; q < 8; ++q) {
          double sum = 0.0;
          for (int i = 0; i < 8; ++i) sum += slope[8 * q + i] * weights[origin + m + i];
          slopes[stride * m + 8 * d + q] = sum;
        }
      }
    }
    std::fill(gradient, gradient + 3 * n_atoms * bottleneck, 0.0);
    for (int i = 0, pair = 0; i < n_atoms; ++i) {
      double here[3 * bottleneck] = {};
      for (int j = i + 1; j < n_atoms; ++j, ++pair) {
        const double* terms = &slopes[stride * intervals[pair]];
        const double t = places[pair], t2 = t * t, t4 = t2 * t2, inverse = 1.0 / away[pair];
        const double a = inverse * (x[3 * j] - x[3 * i]),
                     b = inverse * (x[3 * j + 1] - x[3 * i + 1]),
                     c = inverse * (x[3 * j + 2] - x[3 * i + 2]);
        for (int d = 0; d < bottleneck; ++d) {
          const double* f = terms + 8 * d;
          const double by_r = (f[0] + f[1] * t) + (f[2] + f[3] * t) * t2 +
                              ((f[4] + f[5] * t) + (f[6] + f[7] * t) * t2) * t4;
          double* there = gradient + 3 * (n_atoms * d + j);
          here[3 * d] -= by_r * a;
          here[3 * d + 1] -= by_r * b;
          here[3 * d + 2] -= by_r * c;
          there[0] += by_r * a;
          there[1] += by_r * b;
          there[2] += by_r * c;
        }
      }
      for (int d = 0; d < bottleneck; ++d) {
        for (int c = 0; c < 3; ++c) gradient[3 * (n_atoms * d + i) + c] += here[3 * d + c];
      }
    }
  }
};

}  // namespace
}  // namespace nanochart

#ifdef NANOCHART_CORE_ONLY
// The chart alone, for a library without PLUMED: see Chart::evaluate.
extern "C" int nanochart_chart(const double* x, double scale, double* s, double* gradient,
                               double* distance) {
  static nanochart::Chart chart;
  return chart.evaluate(x, scale, s, gradient, distance);
}
#endif
