#ifndef NANOCHART_CORE_ONLY
#if __has_include("core/Colvar.h")
#include "core/Colvar.h"  // from PLUMED 2.10 on
#else
#include "colvar/Colvar.h"
#endif
#include "core/ActionRegister.h"
#include "core/PlumedMain.h"
#if __has_include("core/Atoms.h")
#  include "core/Atoms.h"  // until 2.9; indented, so that later ones do not warn of it
#endif
#include "tools/Pbc.h"
#include "tools/Units.h"

namespace PLMD {
namespace {

using namespace nanochart;

// Where PLUMED has changed from version to version, the first of each two that compiles is taken.
template <class Keys>
auto offer(Keys& keys, const std::string& name, const std::string& text, int)
    -> decltype(keys.addOutputComponent(name, "default", std::string("scalar"), text)) {
  keys.addOutputComponent(name, "default", std::string("scalar"), text);
}
template <class Keys>
void offer(Keys& keys, const std::string& name, const std::string& text, long) {
  keys.addOutputComponent(name, "default", text);
}

std::string component(int d) { return "s" + std::to_string(d + 1); }

class NanoChart : public Colvar {
  Chart chart;
  bool pbc = true;
  double scale = 1.0;     // of the metal
  double angstrom = 0.0;  // in a unit of length of the input
  std::vector<double> x, gradient;
  std::vector<Value*> values;

  template <class Action>
  static auto units_of(Action& action, int) -> decltype(action.getUnits()) {
    return action.getUnits();
  }
  template <class Action>
  static auto units_of(Action& action, long) -> decltype(action.plumed.getAtoms().getUnits()) {
    return action.plumed.getAtoms().getUnits();
  }
  template <class Action>
  static auto units_are_natural(Action& action, int) -> decltype(action.usingNaturalUnits()) {
    return action.usingNaturalUnits();
  }
  template <class Action>
  static auto units_are_natural(Action& action, long)
      -> decltype(action.plumed.getAtoms().usingNaturalUnits()) {
    return action.plumed.getAtoms().usingNaturalUnits();
  }

 public:
  static void registerKeywords(Keywords& keys) {
    Colvar::registerKeywords(keys);
    keys.add("atoms", "ATOMS", "the atoms of the cluster, as many as the chart has");
    keys.add("optional", "ELEMENT", "the metal, where the chart is of several");
    for (int d = 0; d < bottleneck; ++d) offer(keys, component(d), "a coordinate of the chart", 0);
  }

  explicit NanoChart(const ActionOptions& options)
      : PLUMED_COLVAR_INIT(options), x(3 * n_atoms), gradient(3 * n_atoms * bottleneck) {
    std::vector<AtomNumber> atoms;
    parseAtomList("ATOMS", atoms);
    if (static_cast<int>(atoms.size()) != n_atoms) {
      error("ATOMS must name the " + std::to_string(n_atoms) + " atoms that the chart of " +
            clusters + " is of; got " + std::to_string(atoms.size()) +
            ": name the atoms of one whole cluster, or export a chart of this size");
    }
    bool nopbc = false;
    parseFlag("NOPBC", nopbc);
    pbc = !nopbc;
    std::string metal;
    parse("ELEMENT", metal);
    bool known = metal.empty();
    for (const Metal& m : metals) {
      if (metal == m.symbol) {
        scale = m.scale;
        known = true;
      }
    }
    if (!known) {
      error("ELEMENT must be a metal of the chart of " + std::string(clusters) + "; got " + metal +
            ": name one of these, or export a chart of this metal");
    }
    if (units_are_natural(*this, 0)) {
      error("the chart needs lengths in a unit: give UNITS LENGTH=A in place of UNITS NATURAL");
    }
    angstrom = 0.1 / units_of(*this, 0).getLength();  // PLUMED counts units in nm
    checkRead();
    log.printf("  chart %s of %s, target %s, written by nanochart %s\n", fingerprint, clusters,
               target, nanochart_version);
    log.printf(pbc ? "  using periodic boundary conditions, where there is a box\n"
                   : "  without periodic boundary conditions\n");
    for (int d = 0; d < bottleneck; ++d) {
      addComponentWithDerivatives(component(d));
      componentIsNotPeriodic(component(d));
      values.push_back(getPntrToComponent(component(d)));
    }
    requestAtoms(atoms);
  }

  void calculate() override {
    if (pbc) makeWhole();
    for (int i = 0; i < n_atoms; ++i) {
      const Vector& position = getPosition(i);
      for (int c = 0; c < 3; ++c) x[3 * i + c] = position[c] / angstrom;
    }
    double s[bottleneck], distance = 0.0;
    if (chart.evaluate(x.data(), scale, s, gradient.data(), &distance)) {
      plumed_merror("two atoms of " + getLabel() + " are " + std::to_string(distance) +
                    " angstrom apart, and the chart of " + clusters + " knows distances from " +
                    std::to_string(r_min / scale) + " to " + std::to_string(r_max / scale) +
                    ": see that the cluster is whole, has not lost an atom and is narrower than "
                    "half of the box, if there is one, and that the unit of length is right, or "
                    "train a chart with a wider range");
    }
    if (pbc && getPbc().isSet()) check_box(distance * angstrom);
    for (int d = 0; d < bottleneck; ++d) {
      for (int i = 0; i < n_atoms; ++i) {
        const double* g = &gradient[3 * (n_atoms * d + i)];
        setAtomsDerivatives(values[d], i, Vector(g[0], g[1], g[2]) / angstrom);
      }
      setBoxDerivativesNoPbc(values[d]);
      values[d]->set(s[d]);
    }
  }

  // Atoms are put together by their nearest images. A cluster that is as wide as half of the box
  // could be put together wrongly; one that is not, and is connected, cannot.
  void check_box(double longest) const {
    const Tensor& inverse = getPbc().getInvBox();
    for (int c = 0; c < 3; ++c) {
      const double height = 1.0 / Vector(inverse(0, c), inverse(1, c), inverse(2, c)).modulo();
      if (longest >= 0.5 * height) {
        plumed_merror("the cluster of " + getLabel() + ", put together across the box, is " +
                      std::to_string(longest) + " wide, and must be narrower than half of the box, " +
                      std::to_string(0.5 * height) + " (both in the unit of the input): take a " +
                      "larger box, or NOPBC with whole clusters");
      }
    }
  }
};

PLUMED_REGISTER_ACTION(NanoChart, NANOCHART_ACTION)

}  // namespace
}  // namespace PLMD
#endif
