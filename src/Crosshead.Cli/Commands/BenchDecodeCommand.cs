using System.Diagnostics;
using Crosshead.Cli.Benchmarking;
using Crosshead.Decoding;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead bench decode</c>: times the steps after the prompt, each with one token per sequence.
/// </summary>
internal sealed class BenchDecodeCommand() : BenchGenerationCommand("decode",
    "Time decoding alone: one step after the prompt, greedy, with the cache, as the sequences grow by --new-tokens.",
    "crosshead bench decode --dtype bfloat16",
    "crosshead bench decode --variants gqa,mea --batch 16 --context 1024 --new-tokens 512 --json")
{
    /// <inheritdoc/>
    protected override IEnumerable<BenchCase> Cases(Generator generator, int[][] prompts,
        ModelOptions shape, BenchRun run)
    {
        using var decoder = generator.CreateDecoder(run.Batch, PromptTokens + Steps);
        var batch = new DecodeBatch(decoder);
        // The cost of a step does not depend on the cache's values. Caches on a GPU are long, so they get random values
        // instead of computed ones.
        var ids = new int[run.Batch];
        void Choose()
        {
            for (var i = 0; i < ids.Length; i++) ids[i] = batch.MostLikely(i).Id;
        }
        if (decoder is CudaGraphDecoder captured)
        {
            captured.Draw(PromptTokens);
        }
        else if (decoder is not TensorParallelDecoder shared || !shared.TryDraw(PromptTokens))
        {
            batch.Prefill(prompts, new GenerationOptions().PrefillChunk, run.Cancel);
            Choose();
        }
        var done = 0;
        var timing = run.Time(() =>
        {
            if (done == Steps) decoder.Cache.Rewind(done);
            done = done == Steps ? 1 : done + 1;
            var from = Stopwatch.GetTimestamp();
            batch.Step(ids);
            Choose();
            return Stopwatch.GetElapsedTime(from).TotalSeconds;
        });
        var bytes = DecodeBytes(shape, run) / Steps;
        yield return new BenchCase($"{NameOf(shape)} step", timing, run.Batch,
            (double)run.Batch * ModelCost.Of(shape).ForwardFlops, bytes, bytes);
    }
}
