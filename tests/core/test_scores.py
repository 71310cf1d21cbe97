"""Expected local scores against the noncentral chi-square law, quadrature, loops over pairs, and Monte Carlo."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from pomodoro_pymol.errors import PomodoroError
from pomodoro_pymol.noise.scores import LocalScores, expected_scores, kept_share, z_at_score
from pomodoro_pymol.noise.sigma import AF3_LAW, LawOfSigma
from pomodoro_pymol.noise.weights import FLAT, PRESETS, LevelWeights
from pomodoro_pymol.structure import distances as distances_module
from pomodoro_pymol.structure.atoms import ATOM_LABELS, RESIDUE_LABELS, Structure
from pomodoro_pymol.structure.distances import LocalDistances
from pomodoro_pymol.structure.hierarchy import Hierarchy

WEIGHTS = {
    **PRESETS,
    "no atoms": LevelWeights(1, 2, 0),
    "no residues": LevelWeights(3, 0, 1),
    "chains alone": LevelWeights(1, 0, 0),
}
NAMES = ("N", "CA", "C", "O", "CB", "HA")
KINDS = {
    "ca": LocalDistances.of_calphas,
    "within": LocalDistances.within_residues,
    "between": LocalDistances.between_residues,
}


def packed(n_chains, seed=0):
    """Chains of 4 to 8 residues at random places, a ligand, an ion, alternate locations, hydrogens, shuffled atoms."""
    rng = np.random.default_rng(seed)
    residues, atoms, owner, coords = [], [], [], []
    for chain in range(n_chains):
        for number in range(rng.integers(4, 9)):
            residues.append(("", "ABCDEFG"[chain], str(number), "ALA", False))
            center = rng.uniform(0, 18, 3)
            for name in NAMES[: rng.integers(2, 7)]:
                for alt in ("A", "B") if (name, number) == ("CA", 1) else ("",):
                    atoms.append((name, name[0], alt))
                    owner.append(len(residues) - 1)
                    coords.append(center + rng.normal(0, 1.5, 3))
    for resi, resn, names in (("90", "LIG", ("C1", "C2", "O1")), ("91", "CA", ("CA",))):
        residues.append(("", "A", resi, resn, True))
        for name in names:
            atoms.append((name, "Ca" if resn == "CA" else name[0], ""))
            owner.append(len(residues) - 1)
            coords.append(rng.uniform(0, 18, 3))
    # Two atoms that were never built lie at the origin, on each other.
    for atom in (0, 5):
        coords[atom] = np.zeros(3)
    order = rng.permutation(len(atoms))
    return Structure(
        np.array(coords, np.float32)[order],
        np.array(atoms, ATOM_LABELS)[order],
        np.array(residues, RESIDUE_LABELS),
        np.array(owner)[order],
    )


@pytest.fixture(scope="module", params=[1, 3, 7, "nmr"])
def structure(request):
    if request.param == "nmr":
        return request.getfixturevalue("nmr")
    return packed(request.param, seed=request.param)


def labels(structure):
    """Residue and chain of each atom by name, as in mmCIF: what is no polymer is a chain of its own."""
    rows = structure.residues.tolist()
    residue = [(*rows[row][:3], rows[row][4]) for row in structure.residue_of_atom]
    return residue, [(row[0], row[1]) if not row[3] else row for row in residue]


def atoms_of(structure, kind):
    """First locations: Calphas of the polymers, or all but hydrogen."""
    residue, _ = labels(structure)
    seen, chosen = set(), []
    for atom, (name, element, _) in enumerate(structure.atoms.tolist()):
        key = residue[atom], name
        first = key not in seen
        seen.add(key)
        calpha = name == "CA" and element == "C" and not residue[atom][3]
        if first and (calpha if kind == "ca" else element not in ("H", "D")):
            chosen.append(atom)
    return chosen


def brute_pairs(structure, kind):
    """Every pair: its atoms, true distance, and which of residue and chain it shares."""
    residue, chain = labels(structure)
    chosen, coords = atoms_of(structure, kind), structure.coords.astype(float)
    pairs = []
    for place, i in enumerate(chosen):
        for j in chosen[:place]:
            same = residue[i] == residue[j]
            length = np.sqrt(((coords[i] - coords[j]) ** 2).sum())
            if length < 15 and (kind == "ca" or same == (kind == "within")):
                pairs.append((i, j, length, same, chain[i] == chain[j]))
    return pairs


def spreads(pairs, weights, sigma):
    """Standard deviation per coordinate of each pair's atoms relative to each other."""
    wc, wr, wa = weights.chain, weights.residue, weights.atom
    own = np.array([wa + (0 if same else wr) + (0 if together else wc) for *_, same, together in pairs])
    return np.sqrt(2 * sigma**2 * own / (wc + wr + wa))


def chi_square_score(lengths, spread):
    """The score of pairs by the noncentral chi-square law of a squared distance."""
    with np.errstate(all="ignore"):
        parts = []
        for limit in (0.5, 1, 2, 4):
            high, low = ((np.maximum(lengths + side * limit, 0) / spread) ** 2 for side in (1, -1))
            shift = (lengths / spread) ** 2
            law = np.where(shift > 0, stats.ncx2.cdf([high, low], 3, shift), stats.chi2.cdf([high, low], 3))
            parts.append(np.where(spread > 0, law[0] - law[1], 1.0))
    return np.mean(parts, axis=0)


def means(names, pairs, values):
    """Mean of the values of the pairs with an end in each group: ``names`` has the group of each atom."""
    keys = {key: number for number, key in enumerate(dict.fromkeys(names))}
    numbers = np.array([keys[name] for name in names])
    ends = numbers[np.array([pair[:2] for pair in pairs])]
    once = ends[:, 0] != ends[:, 1]
    groups, of_ends = np.concatenate([ends[:, 0], ends[once, 1]]), np.concatenate([values, values[once]])
    with np.errstate(invalid="ignore"):
        found = np.bincount(groups, of_ends, len(keys)) / np.bincount(groups, minlength=len(keys))
    return dict(zip(keys, found))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_means_over_pairs(structure, kind):
    hierarchy = Hierarchy.from_structure(structure)
    found, pairs = KINDS[kind](structure, hierarchy), brute_pairs(structure, kind)
    lengths = np.array([pair[2] for pair in pairs])
    residue, chain = labels(structure)
    residue_names = [residue[atom] for atom in hierarchy.first_atoms]
    chain_names = dict(zip(hierarchy.atom_to_chain.tolist(), chain))
    for weights, sigma in zip(WEIGHTS.values(), (0.12, 0.9, 4.8, 0.4, 1.7, 0.7, 1.2, 3.0)):
        scores = expected_scores(found, weights, sigma)
        values = chi_square_score(lengths, spreads(pairs, weights, sigma))
        residues, chains = means(residue, pairs, values), means(chain, pairs, values)
        np.testing.assert_allclose(scores.residues, [residues[key] for key in residue_names], atol=1e-6)
        np.testing.assert_allclose(scores.chains, [chains[chain_names[i]] for i in sorted(chain_names)], atol=1e-6)
        pooled, mean = np.mean(values), np.nanmean([*residues.values()])
        np.testing.assert_allclose([scores.structure, scores.residue_mean], [pooled, mean], atol=1e-6)


def shell(length, spread, reach):
    """P(r < reach) by quadrature along the line through both atoms: what is beside it is a Rayleigh law."""

    def density(x):
        aside = -np.expm1(-(reach**2 - x**2) / (2 * spread**2))
        return stats.norm.pdf(x, length, spread) * aside

    points = np.clip([length - 3 * spread, length, length + 3 * spread], -reach, reach)
    return integrate.quad(density, -reach, reach, points=points, epsabs=1e-12, limit=500)[0]


@pytest.mark.parametrize("length", [0.0, 1e-9, 1e-3, 0.4, 0.5, 1.33, 3.8, 4.0, 14.9])
@pytest.mark.parametrize("spread", [0.07, 0.3, 1.0, 2.372, 5.0, 80.0])
def test_a_pair_against_quadrature(length, spread):
    reached = [
        [shell(length, spread, length + t), shell(length, spread, length - t) if length > t else 0]
        for t in (0.5, 1, 2, 4)
    ]
    expected = np.mean([high - low for high, low in reached])
    assert kept_share(np.array([length]), spread) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("spread", [0.0, 1e-300, 1e-12, 1e-3, 0.01, 0.0101, 0.05, 3.0, 1e3, 1e6, 1e30])
def test_no_spread_is_too_small_or_too_large(spread):
    lengths = np.array([0.0, 5e-324, 1e-200, 1e-8, 0.5, 1.0, 2.0, 4.0, 15.0])
    with np.errstate(all="raise", under="ignore"):
        found = kept_share(lengths, spread)
    expected = chi_square_score(lengths, spread) if 1e-3 < spread <= 1e3 else np.full(9, float(spread < 1))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)


def test_counted_lengths_do_as_well_as_the_lengths_themselves(make_structure):
    """Structures of two atoms at every distance; the errors of a sum are below those of its terms."""
    hierarchy = Hierarchy(torch.tensor([0, 1]), torch.tensor([0, 0]))
    structure = make_structure([("", "A", "1", "ALA", False), ("", "A", "2", "ALA", False)])
    structure.coords[:] = 0
    lengths = np.concatenate([np.geomspace(1e-4, 14.99, 60), [0, 0.00377, 0.499, 0.5, 1, 2, 4, 4.001]])
    sigmas = np.geomspace(0.02, 500, 40)
    errors = []
    for length in lengths.astype(np.float32):
        structure.coords[1, 2] = length
        found = LocalDistances.of_calphas(structure, hierarchy)
        scores = [expected_scores(found, FLAT, sigma).structure for sigma in sigmas]
        errors.append(np.abs(scores - chi_square_score(np.full(40, float(length)), sigmas * np.sqrt(2))))
    assert np.max(errors) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_do_not_matter(kind, monkeypatch):
    structure = packed(3)
    hierarchy = Hierarchy.from_structure(structure)
    whole = expected_scores(KINDS[kind](structure, hierarchy), PRESETS["rb"], 1.3)
    for block in (1, 100, 1000):
        for name in ("_BLOCK", "_PAIRS"):
            monkeypatch.setattr(distances_module, name, block)
        parts = expected_scores(KINDS[kind](structure, hierarchy), PRESETS["rb"], 1.3)
        for name, values in vars(whole).items():
            np.testing.assert_allclose(getattr(parts, name), values, atol=1e-12)


def draw(structure, weights, sigma, n_frames, seed):
    """Noised coordinates from the definition: a normal vector per chain, per residue and per atom."""
    rng = np.random.default_rng(seed)
    residue, chain = labels(structure)
    total = weights.chain + weights.residue + weights.atom
    frames = np.repeat(structure.coords[None].astype(float), n_frames, 0)
    for keys, weight in ((chain, weights.chain), (residue, weights.residue), (range(len(residue)), weights.atom)):
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        parts = rng.normal(0, sigma * np.sqrt(weight / total), (n_frames, len(numbers), 3))
        frames += parts[:, [numbers[key] for key in keys]]
    return frames


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n_chains", "name"), [(1, "3-8-1"), (3, "ms"), (7, "rb"), (3, "no residues")])
def test_monte_carlo(n_chains, name, kind):
    structure = packed(n_chains, seed=20 + n_chains)
    hierarchy = Hierarchy.from_structure(structure)
    found, weights, n_frames = KINDS[kind](structure, hierarchy), WEIGHTS[name], 1500
    pairs = brute_pairs(structure, kind)
    frames = draw(structure, weights, 1.7, n_frames, seed=n_chains)
    first, second = np.array([pair[:2] for pair in pairs]).T
    truth = np.array([pair[2] for pair in pairs])
    kept = np.zeros((n_frames, len(pairs)), np.float32)
    for number, frame in enumerate(frames):
        now = np.sqrt(((frame[first] - frame[second]) ** 2).sum(-1))
        errors = np.abs(now - truth)
        kept[number] = np.mean([errors < limit for limit in (0.5, 1, 2, 4)], axis=0)
    per_frame = kept.mean(1, dtype=float)
    error = per_frame.std() / np.sqrt(n_frames)
    assert expected_scores(found, weights, 1.7).structure == pytest.approx(per_frame.mean(), abs=4 * error + 1e-6)
    # Pair by pair, some of them: of 500, in 16,000 one is further off than four standard errors.
    some = np.random.default_rng(1).permutation(len(pairs))[:500]
    lengths, spread = truth[some], spreads(pairs, weights, 1.7)[some]
    closed = np.array([kept_share(np.array([length]), one)[0] for length, one in zip(lengths, spread)])
    errors = kept[:, some].std(0, dtype=float) / np.sqrt(n_frames)
    assert (np.abs(closed - kept[:, some].mean(0, dtype=float)) <= 4 * errors + 1e-6).all()


def test_the_figures_of_the_fragment(fragment):
    hierarchy = Hierarchy.from_structure(fragment)
    ca, within, between = (make(fragment, hierarchy) for make in KINDS.values())
    sigma = AF3_LAW.sigma(0)
    figures = {
        "flat": (-0.704, 0.085, 0.19),
        "ms": (-0.256, 0.46, 0.38),
        "rb": (-0.665, 0.19, 0.21),
        "3-8-1": (-0.608, 0.53, 0.23),
        "2-6-2": (None, 0.345, 0.22),
    }
    for name, (z, inside, outside) in figures.items():
        weights = PRESETS[name]
        if z is not None:
            assert round(z_at_score(ca, weights, mean="residue_mean"), 3) == z
        digits = len(f"{inside}") - 2
        assert round(expected_scores(within, weights, sigma).structure, digits) == inside
        assert round(expected_scores(between, weights, sigma).structure, 2) == outside
    # Calpha lDDT where residues are 3.8 A per coordinate from their place in the chain, 6.6 in space.
    at = AF3_LAW.sigma(-0.02)
    assert round(expected_scores(ca, PRESETS["3-8-1"], at).residue_mean, 2) == 0.23


def test_a_chains_calpha_score_depends_on_one_share(fragment):
    """sigma^2 (w_r + w_a) / W; half is lost where a pair is displaced by 4.11 A in space."""
    hierarchy = Hierarchy.from_structure(fragment)
    ca = LocalDistances.of_calphas(fragment, hierarchy)
    shares = {"flat": 1, "ms": 0.26, "rb": 0.89, "3-8-1": 0.75, "2-6-2": 0.80}
    half = [AF3_LAW.sigma(z_at_score(ca, PRESETS[name])) for name in shares]
    found = [(PRESETS[name].residue + PRESETS[name].atom) / sum(vars(PRESETS[name]).values()) for name in shares]
    assert [round(share, 2) for share in found] == list(shares.values())
    np.testing.assert_allclose(np.sqrt(6 * np.array(found)) * half, 4.11, atol=0.005)
    one = expected_scores(ca, FLAT, 2.0)
    for name, share in zip(shares, found):
        other = expected_scores(ca, PRESETS[name], 2.0 / np.sqrt(share))
        np.testing.assert_allclose(other.residues, one.residues, atol=1e-12)


@pytest.mark.parametrize("mean", ["structure", "residue_mean"])
@pytest.mark.parametrize("law", [AF3_LAW, LawOfSigma(5.04, -1.2, 1.2)])
@pytest.mark.parametrize("score", [0.5, 0.05, 0.97])
@pytest.mark.parametrize("kind", KINDS)
def test_z_at_a_score(kind, score, law, mean):
    structure = packed(3)
    found = KINDS[kind](structure, Hierarchy.from_structure(structure))
    for weights in PRESETS.values():
        z = z_at_score(found, weights, score, law=law, mean=mean)
        before, at, after = (
            getattr(expected_scores(found, weights, law.sigma(z + shift)), mean) for shift in (-1e-6, 0, 1e-6)
        )
        assert at == pytest.approx(score, abs=1e-9)
        assert before > score > after


def test_z_at_a_score_that_is_never_reached(fragment):
    hierarchy = Hierarchy.from_structure(fragment)
    ca, within, between = (make(fragment, hierarchy) for make in KINDS.values())
    assert np.isnan([z_at_score(one, LevelWeights(1, 0, 0)) for one in (ca, within, between)]).all()
    assert np.isnan(z_at_score(within, LevelWeights(1, 3, 0)))
    assert not np.isnan(z_at_score(between, LevelWeights(1, 3, 0)))
    # Most pairs are within chains, which stay whole.
    seven = packed(7)
    between = LocalDistances.between_residues(seven, Hierarchy.from_structure(seven))
    floor = expected_scores(between, LevelWeights(1, 0, 0), 1e9).structure
    assert 0.1 < floor < 0.5
    assert np.isnan(z_at_score(between, LevelWeights(1, 0, 0), floor - 0.01))
    assert not np.isnan(z_at_score(between, LevelWeights(1, 0, 0), floor + 0.01))


@pytest.mark.parametrize(("score", "mean"), [(0, "structure"), (1, "structure"), (np.nan, "structure"), (0.5, "chain")])
def test_z_at_what_is_no_score_is_refused(fragment, score, mean):
    ca = LocalDistances.of_calphas(fragment, Hierarchy.from_structure(fragment))
    with pytest.raises(PomodoroError):
        z_at_score(ca, FLAT, score, mean=mean)


@pytest.mark.parametrize("kind", KINDS)
def test_without_pairs_there_is_no_score(make_structure, kind):
    ions = make_structure([("", "A", str(i), "ZN", True) for i in range(3)])
    ions.coords[:] = np.arange(3)[:, None] * 100
    found = KINDS[kind](ions, Hierarchy.from_structure(ions))
    scores = expected_scores(found, FLAT, 1.0)
    assert isinstance(scores, LocalScores)
    assert [len(scores.residues), len(scores.chains)] == [3, 3]
    assert np.isnan([*scores.residues, *scores.chains, scores.structure, scores.residue_mean]).all()
    assert np.isnan(z_at_score(found, FLAT))


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_move_is_kept(kind):
    structure = packed(3)
    found = KINDS[kind](structure, Hierarchy.from_structure(structure))
    for weights, sigma in ((PRESETS["rb"], 0.0), (PRESETS["rb"], 1e-5)):
        scores = expected_scores(found, weights, sigma)
        for values in vars(scores).values():
            assert np.nanmin(values) == pytest.approx(1, abs=1e-12)
    if kind == "within":
        assert expected_scores(found, LevelWeights(2, 1, 0), 50.0).structure == pytest.approx(1, abs=1e-12)
