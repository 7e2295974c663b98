using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Experts;

/// <summary>
/// What a router says of a few tokens on a CUDA device, and how experts are chosen by it (<c>expert_choice.cuh</c>):
/// those that are rated highest, the lowest of equals.
/// </summary>
internal sealed class ExpertChoice
{
    private const int MostExperts = 1024, MostGroups = 32;

    private readonly Tensor? _bias, _choiceBias;

    /// <summary>Prepares a choice.</summary>
    /// <param name="logits">The router's, [T, E] (float32).</param>
    /// <param name="rule">How they are rated.</param>
    /// <param name="bias">Added to the logits, [E] (float32); null for nothing.</param>
    /// <param name="choiceBias">Added to the weights while experts are chosen, [E] (float32); null for nothing.</param>
    public ExpertChoice(Tensor logits, RoutingRule rule, Tensor? bias = null, Tensor? choiceBias = null) =>
        (Logits, Rule, _bias, _choiceBias) = (RowKernel.Dense(logits), rule, bias, choiceBias);

    /// <summary>The router's logits, [T, E] (float32).</summary>
    public Tensor Logits { get; }

    /// <summary>How they are rated.</summary>
    public RoutingRule Rule { get; }

    /// <summary>Number of tokens.</summary>
    public int Tokens => (int)Logits.shape[0];

    /// <summary>Number of experts.</summary>
    public int Experts => (int)Logits.shape[1];

    /// <summary>The macro of the choice.</summary>
    public string Define => $"LANE_EXPERTS={(Experts + 31) / 32}";

    /// <summary>The parameters of the rule.</summary>
    public KernelArgument[] Arguments =>
    [
        Aten.Address(_bias), Aten.Address(_choiceBias), Experts, Rule.PerToken, Rule.Sigmoid ? 1 : 0,
        Rule.Renormalize ? 1 : 0, (float)Rule.Factor, Rule.Groups, Rule.GroupsPerToken,
    ];

    /// <summary>Whether there are kernels for so many experts.</summary>
    public static bool Supports(long experts, RoutingRule rule) => experts <= MostExperts && rule.Groups <= MostGroups;

    /// <summary>Keeps the tensors until here.</summary>
    public void KeepAlive()
    {
        foreach (var tensor in new[] { Logits, _bias, _choiceBias }) GC.KeepAlive(tensor);
    }
}
