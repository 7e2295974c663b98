using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Experts;

/// <summary>
/// Which experts a few tokens are given, worked out on a CUDA device without the host (<c>expert_routes.cu</c>,
/// <c>expert_sum.cu</c>). Place t·k + j is token t's j-th expert; an expert that was chosen has a slot, and serves a
/// stretch of <see cref="Order"/>.
/// </summary>
/// <param name="Weights">The router's probabilities, [T, k] (float32).</param>
/// <param name="Chosen">The expert of each slot, −1 for none, [slots] (int32).</param>
/// <param name="Starts">Where each slot's stretch begins, [slots + 1] (int32).</param>
/// <param name="Order">Places sorted by expert, [T·k] (int32).</param>
internal sealed record ExpertRoutes(Tensor Weights, Tensor Chosen, Tensor Starts, Tensor Order)
{
    private const int MostPlaces = 1024, MostTokens = 64, MostThreads = 1024;

    private static readonly Lazy<string> RoutesSource = new(
        () => KernelText.Read("launches.cuh", "expert_choice.cuh", "expert_routes.cu"));
    private static readonly Lazy<string> SumSource = new(
        () => KernelText.Read("bfloat16.cuh", "launches.cuh", "expert_sum.cu"));

    /// <summary>Places T·k.</summary>
    public int Places => (int)Order.shape[0];

    /// <summary>Most experts that are chosen.</summary>
    public int Slots => (int)Chosen.shape[0];

    /// <summary>Whether <see cref="Of"/> takes so many.</summary>
    public static bool Supports(long tokens, long experts, RoutingRule rule) =>
        tokens is > 0 and <= MostTokens && tokens * rule.PerToken <= MostPlaces && ExpertChoice.Supports(experts, rule);

    /// <summary>Gives each token the experts of its choice.</summary>
    /// <param name="choice">The choice.</param>
    public static ExpertRoutes Of(ExpertChoice choice)
    {
        var (logits, tokens, perToken) = (choice.Logits, choice.Tokens, choice.Rule.PerToken);
        var slots = Math.Min(choice.Experts, tokens * perToken);
        var routes = new ExpertRoutes(empty([tokens, perToken], ScalarType.Float32, logits.device),
            empty([slots], ScalarType.Int32, logits.device), empty([slots + 1], ScalarType.Int32, logits.device),
            empty([tokens * perToken], ScalarType.Int32, logits.device));
        // A warp a token, a thread an expert and a place.
        var threads = Math.Min(MostThreads,
            32 * Math.Max(tokens, (Math.Max(choice.Experts, routes.Places) + 31) / 32));
        CudaKernel.Load(logits.device_index, RoutesSource.Value, "expert_routes", [choice.Define]).Launch((1, 1, 1),
            threads, 0,
            [
                Aten.DataPointer(logits), Aten.DataPointer(routes.Weights), Aten.DataPointer(routes.Chosen),
                Aten.DataPointer(routes.Starts), Aten.DataPointer(routes.Order), tokens, slots, .. choice.Arguments,
            ], early: true);
        choice.KeepAlive();
        return routes;
    }

    /// <summary>Each token's weighted sum of its experts' outputs.</summary>
    /// <param name="outputs">[T·k, D] (bfloat16)</param>
    /// <returns>[T, D]</returns>
    public Tensor Sum(Tensor outputs)
    {
        var (tokens, perToken, width) = ((int)Weights.shape[0], (int)Weights.shape[1], (int)outputs.shape[1]);
        var sum = empty([tokens, width], outputs.dtype, outputs.device);
        CudaKernel.Load(outputs.device_index, SumSource.Value, "expert_sum", [])
            .Launch(((width + 255) / 256, tokens, 1), 256, 0,
                [Aten.DataPointer(outputs), Aten.DataPointer(Weights), Aten.DataPointer(sum), perToken, width],
                early: true);
        GC.KeepAlive(outputs);
        return sum;
    }
}
