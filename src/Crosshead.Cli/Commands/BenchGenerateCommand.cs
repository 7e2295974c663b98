using Crosshead.Cli.Benchmarking;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead bench generate</c>: times the prompt alone, and the prompt with all new tokens.</summary>
internal sealed class BenchGenerateCommand() : BenchGenerationCommand("generate",
    "Time generation as a user meets it: the prompt, and the whole with all its new tokens.",
    "crosshead bench generate --prompt-tokens 128 --dtype bfloat16",
    "crosshead bench generate --context 4096 --prompt-tokens 2048 --batch 4 --json")
{
    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Cases(Generator generator, int[][] prompts,
        ModelOptions shape, BenchRun run)
    {
        var name = NameOf(shape);
        double flops = ModelCost.Of(shape).ForwardFlops, prompt = (double)run.Batch * PromptTokens,
            tokens = (double)run.Batch * (Steps + 1);
        var weights = DecodeBytes(shape, run) / Steps;
        yield return new BenchCase($"{name} prompt", run.Time(
            () => Generate(generator, prompts, run.Cancel).PrefillSeconds), prompt, prompt * flops, weights, weights);
        yield return new BenchCase($"{name} whole", run.Time(() =>
        {
            var statistics = Generate(generator, prompts, run.Cancel);
            return statistics.PrefillSeconds + statistics.DecodeSeconds;
        }), tokens, (prompt + tokens) * flops, weights + DecodeBytes(shape, run), weights);
    }
}
