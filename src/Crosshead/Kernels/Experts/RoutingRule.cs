namespace Crosshead.Kernels.Experts;

/// <summary>How a router's logits become experts and weights.</summary>
/// <param name="PerToken">Experts of a token k.</param>
/// <param name="Sigmoid">Whether a weight is the sigmoid of its logit; otherwise it is the softmax over all.</param>
/// <param name="Renormalize">Whether the weights of a token's experts are divided by their sum.</param>
/// <param name="Factor">What all weights are multiplied by at last.</param>
/// <param name="Groups">Groups of neighbouring experts.</param>
/// <param name="GroupsPerToken">Groups that a token's experts come from, those whose two best experts have the largest
/// sum.</param>
internal readonly record struct RoutingRule(int PerToken, bool Sigmoid = false, bool Renormalize = true,
    double Factor = 1, int Groups = 1, int GroupsPerToken = 1);
