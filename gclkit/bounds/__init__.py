r"""Sound bounds of node compactness under edge dropping.

A graph encoder is trained on random views of a graph. How well does a node follow the
contrastive principle on the *worst* view that may be drawn? This room answers with a lower
bound for every node. What follows is the whole argument.

**Setting.** An undirected graph with edges :math:`E`, degrees :math:`d_i` (no self-loops) and
neighbours :math:`N(i)`. An encoder of layers

.. math::
    h^{k} = \sigma(y^{k}), \qquad
    y^{k}_i = w(d'_i) \sum_{j \in N'(i)} c(d'_j)\, u^{k}_j + s(d'_i)\, v^{k}_i + b^{k}, \qquad
    u^{k} = h^{k-1} W^{k},\; v^{k} = h^{k-1} R^{k},

where primes are taken in the view. GCN has :math:`w = c = (d + 1)^{-1/2}`,
:math:`s = (d + 1)^{-1}`, SAGE-mean :math:`w = 1/d` (0 for :math:`d = 0`), :math:`c = s = 1`,
GIN-sum :math:`w = c = 1`, :math:`s = 1 + \varepsilon`; :math:`R = W` for GCN and GIN. Steps
without neighbours (:math:`y = hW + b`) are allowed in between. :math:`\sigma(y) = \max(y, 0) +
\alpha \min(y, 0)` with :math:`0 \le \alpha \le 1`: ReLU, LeakyReLU, PReLU, identity. A batch
normalisation in evaluation mode is an affine map and is folded into its neighbours.

**Perturbation set.** Budgets :math:`\delta_i`, by default :math:`\min(\max(d_i - 1, 0),
\mathrm{round}(p\, d_i))`. A view :math:`E' \subseteq E` is symmetric and takes :math:`r_i \le
\delta_i` edges from node :math:`i`. So an edge can vanish only if both its ends have a budget
(it is *droppable*); :math:`R_i` are the droppable neighbours of :math:`i`, and node :math:`i`
really loses at most :math:`\bar\delta_i = \min(\delta_i, |R_i|)`.

**Compactness** of node :math:`i` on a view, for given target embeddings :math:`\hat z_j` of
norm 1: :math:`q_i = T_i \cdot z_i` with :math:`T_i = \hat z_i - \mathrm{mean}_{j \ne i}\,
\hat z_j`; :math:`z` is the output of the last layer, not normalised. A bound :math:`B_i` is
*sound* if :math:`B_i \le q_i` on every view of the set.

**Lemma 1 (lines).** If :math:`l \le y \le u` then, with :math:`a = (u - \alpha l)/(u - l)` and
:math:`\beta = (\alpha - 1) u l / (u - l)` where :math:`l < 0 < u`, and the exact slope with
:math:`\beta = 0` elsewhere, :math:`\lambda y \le \sigma(y) \le a y + \beta` for every
:math:`\lambda \in [\alpha, 1]` (the exact slope where the sign is known). *Proof.*
:math:`\sigma(y) = \max(y, \alpha y)` is convex for :math:`\alpha \le 1`: it lies under its
chord and above each line through the origin with a slope between its two own. ∎ Hence for any
vector :math:`\Lambda`, :math:`\Lambda \cdot \sigma(y) \ge (\Lambda^+ \lambda + \Lambda^- a)
\cdot y + \Lambda^- \cdot \beta`, with :math:`\Lambda^\pm` its positive and negative parts.
For :math:`\alpha > 1` both lines fail, so such slopes are refused.

**Theorem 1 (budgeted sums).** Let node :math:`j` send at least :math:`m_j` (its factor
:math:`c` included) and let the node's own value lie in :math:`[v_L(r), v_U(r)]`, in every view
in which node :math:`i` loses :math:`r` edges. Then in every view in which :math:`r_i \in
[r_-, r_+]`

.. math::
    \sum_{j \in N'(i)} w\, c\, u_j + s\, v_i \;\ge\;
    \min_{r_- \le r \le \min(r_+, \bar\delta_i)} \; w(d_i - r)
    \Big( \sum_{j \in N(i)} m_j - \mathrm{top}_r \Big) + \big(s(d_i - r) v\big)_L ,

with :math:`\mathrm{top}_r` the sum of the :math:`r` largest :math:`m_j` over :math:`R_i`, and
:math:`(s v)_L` the smaller of :math:`s v_L` and :math:`s v_U`: the latter for :math:`s < 0`.
*Proof.* Fix a view and :math:`r = r_i`. The factors of node :math:`i` are
:math:`w(d_i - r) \ge 0` and :math:`s(d_i - r)`, exactly. Each kept neighbour contributes at
least :math:`m_j`. The :math:`r` vanished neighbours lie in :math:`R_i`, and their :math:`m_j`
sum to at most :math:`\mathrm{top}_r`. So the sum is at least the term of this :math:`r`, hence
at least the minimum. ∎ With :math:`u_j \ge u_{L,j}` one may take :math:`m_j =
\min_{c \in \{c(d_j),\, c(d_j - \bar\delta_j)\}} c\, u_{L,j}`, since :math:`c` is monotone and
the product is linear in it. Applied per channel, with interval arithmetic through :math:`W`
and the monotone :math:`\sigma`, induction gives boxes of every layer
(:func:`gclkit.bounds.aggregation.budgeted`); upper ends come from the negated values.

*Unsound look-alikes*, each with a counterexample on a triangle with :math:`\delta = 1`: one
factor :math:`w(d_i)` or :math:`w(d_i - \delta_i)` for all :math:`r`; the own term at
:math:`s(d_i)`; ranking the vanished neighbours by :math:`u` instead of :math:`m`.

**Theorem 2 (last layer).** Relax the last :math:`\sigma` by Lemma 1 on its box, :math:`\Lambda_i
= T_i^+ \lambda + T_i^- a`, and let :math:`g_{ij} \le (W \Lambda_i) \cdot h_j`, from the box of
:math:`h_j`. Theorem 1 with the scalars :math:`g_{ij}` in place of :math:`u_j`, plus
:math:`\Lambda_i \cdot b + T_i^- \cdot \beta`, is sound. *Proof.* Lemma 1 and Theorem 1, the
latter in one channel: the target's own coefficients meet its neighbours. ∎ It is
:func:`gclkit.bounds.certified.last_layer_bound`; with the box score
:math:`T^+ \cdot \sigma(l) + T^- \cdot \sigma(u)`, whichever is larger, it is ``"budget"``.

**Theorem 3 (two hops).** Split the views by the count :math:`r_i` of the target (ranges
:math:`C`), and for each neighbour :math:`j` by its count :math:`r_j` (ranges :math:`D`). For
each pair of ranges let the boxes be those given the counts (Theorem 1 on the range, in each
layer, a node losing the same edges in all of them), :math:`\Lambda_i^C` the coefficients of
Theorem 2, :math:`\varphi = W \Lambda_i^C`, and :math:`\varphi \cdot \sigma(y_j) \ge \psi \cdot
y_j + \gamma` Lemma 1 on the box of :math:`y_j` given :math:`D`. For second nodes :math:`k \in
N(j)` let :math:`t_k \le c\, \psi \cdot u_k`, over all counts of :math:`k`; for :math:`k = i`
over those in :math:`C` only. Then, while the edge :math:`ij` stands and :math:`r_j \in D`,

.. math::
    c(d'_j)\, \varphi \cdot h_j \;\ge\; M_{ij}^D = \min_{r \in D} c(d_j - r) \Big[ w(d_j - r)
    \Big( \sum_{k \in N(j)} t_k - \mathrm{top}_r^{R_j \setminus i} \Big)
    + s(d_j - r)\, \psi \cdot v_j + \psi \cdot b + \gamma \Big] ,

:math:`r \le \min(\bar\delta_j, |R_j \setminus i|)` (in a set enlarged by a view that dropped one
direction only, :math:`R_j` in place of :math:`R_j \setminus i`), and the target's value is at
least, for the :math:`r \in C` at hand, :math:`w(d_i - r) (\sum_j M_{ij} - \mathrm{top}_r) + s(d_i -
r)\, (R \Lambda_i^C \cdot h_i)_L` plus the constants of Theorem 2, with :math:`M_{ij} = \min_D
\max(M_{ij}^D, \text{interval value})`. Its own term may be expanded along its own neighbours in the
same way; then each neighbour's two contributions vanish together, so :math:`\mathrm{top}_r` ranks
their sum. The bound is the minimum over :math:`r` and :math:`C`. *Proof.* Fix a view. Its counts
lie in one :math:`C` and, per neighbour, in one :math:`D`; the boxes given these counts hold the
view's values, so every line holds at them. The bracket is Theorem 1 for the scalar :math:`\psi
\cdot y_j`, where the edge to :math:`i` is not among the vanished; multiplying by the positive
:math:`c(d_j - r)` of the same :math:`r` keeps the inequality. For the view's :math:`D`,
:math:`M_{ij}^D` and the interval value are lower bounds, so is the larger, and :math:`M_{ij}` is at
most it. Theorem 1 in one channel, at the view's :math:`r_i`, finishes; expanding the own term
replaces its lower bound by another one, sound for :math:`s \ge 0`, and the vanished neighbours are
the same set in both sums, so they take at most the :math:`\mathrm{top}_r` of the sums. A maximum of
sound bounds is sound. ∎ It is ``"two_hop"`` (:func:`gclkit.bounds.two_hop.two_hop_bound`).

**Order.** ``"interval"`` (every matrix entry on its own) :math:`\le` ``"budget"`` :math:`\le`
``"two_hop"``: the first by comparing sums term by term, the second as the latter takes the
maximum with the former.

**Pairwise.** At one given view the relaxed lines of the last two layers can be evaluated at the
view's own pre-activations: Lemma 1 twice, with slopes that hold on the whole set
(:func:`gclkit.bounds.pairwise.pairwise_bound`). The set is enlarged to hold the view,
:math:`\delta_i \leftarrow \max(\delta_i, \text{edges dropped at } i)`; a view that dropped one
direction of an edge only is held too, every edge then counting as droppable. The value is at
most the true one at that view, which is known anyway: it is a training signal, whose gradient
pushes the bound of the set, not a certificate.

**Published.** The score of the authors' code is not a bound: every neighbour uses the coefficients
of its own direction, and the second layer's intervals come from the clean graph.

**What is claimed.** ``certified`` is at most the compactness of every view in the set, on every
node, for the features and the targets given, in exact arithmetic; in floating point up to
rounding in that dtype, relative to the largest terms that meet in a sum: where they cancel,
``"budget"`` and ``"two_hop"`` may lose what ``"interval"`` keeps. **What is not.** Nothing is
said of views outside the set: plain Bernoulli dropping with one coin per edge leaves it often
(:func:`gclkit.bounds.report.describe_set` tells how often, and how few edges a view inside
drops), with one coin per direction, as ``EdgeDrop`` does unless told otherwise, almost always.
Nothing is said of edge weights, of feature masking, of added edges, of parameters that moved
since, or of accuracy. The scale of :math:`z` is free: shrinking the last layer
shrinks every gap, so gaps are reported in units of the mean clean compactness, with the mean norm
of :math:`z`. A bound never replaces a NaN.
"""

from gclkit.bounds.certificate import Certificate, certify
from gclkit.bounds.compactness import node_compactness
from gclkit.bounds.edge_drop_set import EdgeDropSet, edge_budget
from gclkit.bounds.report import SetReport, describe_set
from gclkit.bounds.targets import target_vectors
from gclkit.bounds.views import draw_view, greedy_view

__all__ = [
    "Certificate",
    "EdgeDropSet",
    "SetReport",
    "certify",
    "describe_set",
    "draw_view",
    "edge_budget",
    "greedy_view",
    "node_compactness",
    "target_vectors",
]
