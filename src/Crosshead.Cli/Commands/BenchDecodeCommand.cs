using Crosshead.Attention;
using Crosshead.Cli.Benchmarking;
using Crosshead.Generation;
using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead bench decode</c>: the steps after the prompt, one token a sequence each.</summary>
internal sealed class BenchDecodeCommand() : BenchGenerationCommand("decode",
    "Time decoding alone: the steps after the prompt, greedy, with the cache.",
    "crosshead bench decode --dtype bfloat16",
    "crosshead bench decode --variants gqa,mea --batch 16 --context 1024 --new-tokens 512 --json")
{
    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Cases(Func<GenerationStatistics> generate, ModelOptions shape, BenchRun run)
    {
        var tokens = (double)run.Batch * Steps;
        yield return new BenchCase($"{shape.Attention.Variant.NameOf()} decode", run.Time(() => generate().DecodeSeconds), tokens, tokens * ModelCost.Of(shape).ForwardFlops, DecodeBytes(shape, run));
    }
}
