using System.Text;
using Crosshead.Attention.Caches;
using Crosshead.Generation;
using Crosshead.Runtime.Cuda;
using Crosshead.Serving;

namespace Crosshead.TextModels.Prompts;

/// <summary>
/// Continues all prompts of a file, <see cref="GenerationOptions.Batch"/> of them side by side: the next one begins as
/// soon as another has ended. Answers are written in the order of the prompts. Prompt i draws with the stream i of the
/// seed's random numbers, a prompt with a seed of its own with that seed's first stream.
/// </summary>
/// <remarks>
/// On a device an answer may depend on those beside it. There, the next prompts wait after every sixteen batches until
/// all have ended, so that an interrupted run can go on with the same neighbours.
/// </remarks>
public sealed class PromptRun
{
    private const int BatchesPerBlock = 16; // on a device
    private readonly TextModel _model;
    private readonly PromptFile _prompts;
    private readonly GenerationOptions _options;
    private readonly PromptExtent? _extent;
    private readonly PromptLineReader _reader;
    private readonly int _slots, _capacity;
    private readonly long _seed;
    private GenerationStatistics _statistics = new(0, 0, 0, 0, 0, 0, 0);
    private long _answers, _full, _earlier;

    /// <summary>Prepares to continue prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">How they are continued, where a line does not say.</param>
    /// <param name="extent">What <see cref="Check"/> found; null without a check.</param>
    /// <exception cref="CrossheadException">An option is out of range.</exception>
    public PromptRun(TextModel model, PromptFile prompts, GenerationOptions options, PromptExtent? extent = null)
    {
        (_model, _prompts, _extent) = (model, prompts, extent);
        _options = model.Ended(options);
        model.Generator.Require(_options);
        _seed = options.Sampling.Seed ?? Random.Shared.NextInt64();
        _reader = new PromptLineReader(model.Source, _options, prompts.Name);
        _slots = (int)Math.Min(options.Batch, extent?.Prompts ?? options.Batch);
        _capacity = extent?.MostTokens ?? model.Options.Context;
    }

    /// <summary>
    /// The file beside a file of answers that is not complete. While it exists, the same run can go on.
    /// </summary>
    public static string UnfinishedOf(string path) => AnswerFile.StateOf(path);

    /// <summary>Checks all lines of a file before weights are read. A pipe is not read.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="source">The model that is to continue them.</param>
    /// <param name="options">How they are continued.</param>
    /// <param name="progress">Called with the number of checked lines.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <returns>What is in the file; null for a pipe.</returns>
    /// <exception cref="CrossheadException">A line cannot be used; the message says where it is.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PromptExtent? Check(PromptFile prompts, IModelSource source, GenerationOptions options,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        if (prompts.IsPipe) return null;
        var (count, most) = (0L, 0L);
        foreach (var line in prompts.Lines(new PromptLineReader(source, options, prompts.Name)))
        {
            cancellation.ThrowIfCancellationRequested();
            most = Math.Max(most, line.Tokens.Count + (long)line.Options.MaxTokens);
            count++;
            progress?.Report(count);
        }
        return new PromptExtent(count, (int)Math.Min(most, source.Options.Context));
    }

    /// <summary>Writes the answers one after the other.</summary>
    /// <param name="output">Takes a line for each answer.</param>
    /// <param name="progress">Called after each step; may be null.</param>
    /// <param name="cancellation">Ends the run after the answers that are complete up to the first that is not.</param>
    /// <exception cref="CrossheadException">A prompt cannot be used; those before it were continued.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public PromptResult WriteTo(TextWriter output, IProgress<PromptProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        foreach (var line in Answers(null, _seed, Pages(), progress, cancellation))
            output.Write(Encoding.UTF8.GetString(line));
        return new PromptResult(_answers, 0, _full, _seed, _statistics);
    }

    /// <summary>Writes the answers to a file, or goes on with one that an interrupted run has left.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether an existing file is replaced.</param>
    /// <param name="progress">Called after each step; may be null.</param>
    /// <param name="cancellation">Ends the run; the same call goes on from there.</param>
    /// <exception cref="CrossheadException">The file holds something else, or cannot be written. Or a prompt cannot be
    /// used; those before it were continued.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public PromptResult WriteTo(string path, bool overwrite = false, IProgress<PromptProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var (sampling, pages) = (_options.Sampling, Pages());
        var settings = AnswerSettings.Of(_model, _options with { Sampling = sampling with { Seed = _seed } }, pages);
        using var file = AnswerFile.Open(path, settings, hasSeed: sampling.Seed is not null, overwrite);
        foreach (var line in Answers(file, file.Settings.Seed, file.Settings.Pages ?? pages, progress, cancellation))
            file.Add(line);
        file.Finish();
        return new PromptResult(_answers, _earlier, _full, file.Settings.Seed, _statistics);
    }

    // The lines of the answers that the file does not hold yet.
    private IEnumerable<byte[]> Answers(AnswerFile? file, long seed, int pages, IProgress<PromptProgress>? progress,
        CancellationToken cancellation)
    {
        int? block = _model.Generator.KeepsSequencesApart ? null : _slots * BatchesPerBlock;
        _answers = _earlier = file?.Earlier ?? 0;
        _full = 0;
        using var loop = _model.Generator.CreateLoop(_slots, _capacity, pages, prefillChunk: _options.PrefillChunk,
            block: block);
        loop.Stepped = _ => progress?.Report(
            new(_answers, _extent?.Prompts, _earlier, loop.Statistics.NewTokens));
        var begun = new Queue<PromptLine>();
        // Where neighbours matter, the whole block of the first missing answer is computed.
        var first = block is { } size ? _earlier / size * size : _earlier;
        foreach (var sequence in loop.InOrder(Requests(file, first, seed, loop, begun, cancellation), cancellation))
        {
            var line = begun.Dequeue();
            if (line.Index < _earlier) continue;
            if (sequence.Stop == StopReason.Context) _full++;
            _answers++;
            yield return AnswerJson.Line(line, sequence);
        }
        _statistics = loop.Statistics;
    }

    private IEnumerable<EngineRequest?> Requests(AnswerFile? file, long first, long seed, PromptLoop loop,
        Queue<PromptLine> begun, CancellationToken cancellation)
    {
        var count = 0L;
        var waits = !_model.Generator.KeepsSequencesApart; // neighbours may not depend on the speed of a pipe
        foreach (var line in _prompts.Lines(_reader, () => waits || loop.IsIdle, cancellation))
        {
            if (line is null)
            {
                yield return null;
                continue;
            }
            count++;
            if (line.Index < _earlier) file!.Match(line, _prompts.Name);
            if (line.Index < first) continue;
            begun.Enqueue(line);
            var options = line.HasSeed ? line.Options
                : line.Options with { Sampling = line.Options.Sampling with { Seed = seed } };
            yield return _model.Generator.RequestOf(line.Tokens, options, line.HasSeed ? 0 : checked((int)line.Index));
        }
        if (count < _earlier)
            throw new CrossheadException($"the file of answers holds {_earlier}, but {_prompts.Name} has only {count} "
                + $"prompts; name the same prompts, use {MessageTerm.Overwrite}, or name another file.");
    }

    // All slots get what they can need, as far as the memory goes.
    private int Pages()
    {
        var wanted = Generator.PagesFor(_slots, _capacity);
        var fit = FreeMemory.ForCache(_model.Device)
            / Math.Max(1, _model.CacheBytesPerToken * PageTables.PageTokens);
        return (int)Math.Clamp(fit, PageTables.PagesFor(_capacity), wanted);
    }
}
