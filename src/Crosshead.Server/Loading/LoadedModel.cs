using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.Runtime;
using Crosshead.Serving;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.TextModels;
using TorchSharp;

namespace Crosshead.Server.Loading;

/// <summary>A model with its engine, ready to be served.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly TextModel _model;
    private readonly IDecoder _decoder;
    private readonly Engine _engine;

    private LoadedModel(TextModel model, IDecoder decoder, Engine engine, ServedModel served) =>
        (_model, _decoder, _engine, Served) = (model, decoder, engine, served);

    /// <summary>What a server must know of it.</summary>
    public ServedModel Served { get; }

    /// <summary>Loads the weights, and starts the engine.</summary>
    /// <param name="source">The model, opened.</param>
    /// <param name="options">How.</param>
    /// <param name="doing">Told what is being done, as a sentence without its full stop; null if nobody asks.</param>
    /// <exception cref="CrossheadException">An option is out of range, or a file is damaged.</exception>
    public static LoadedModel Load(ModelSource source, LoadOptions options, Action<string>? doing = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var (template, defaults) = (Template(source, options), Defaults(source, options));
        doing?.Invoke("the weights are being read");
        var model = TextModel.Load(source, options.TensorParallel, options.Type, options.Device ?? ComputeDevice.Cpu,
            options.Cache, options.Activations);
        IDecoder? decoder = null;
        try
        {
            doing?.Invoke("the cache and the first steps are being prepared");
            var context = ContextOf(source, options);
            decoder = model.CreatePagedDecoder(options.MaxSequences, context,
                CachePages.Count(options, context, model.CacheBytesPerToken), options.Deterministic);
            (decoder as ICapturingDecoder)?.Prepare(options.Engine.MaxStepTokens);
            var engine = new Engine(decoder, new TokenizerCodec(source.Tokenizer), source.Options.Context,
                options.Engine);
            var loaded = new LoadedModel(model, decoder, engine, new ServedModel
            {
                Engine = engine,
                Tokenizer = source.Tokenizer,
                Names = options.Names.Count > 0 ? options.Names : [source.Description.Name],
                VocabularySize = decoder.VocabularySize,
                EndTokens = source.EndTokens,
                ChatTemplate = template,
                RequestTemplate = options.TakesRequestTemplates
                    ? text => source.Description.ParseChatTemplate(text, "of the request") : null,
                AnswerFormat = AnswerFormat.Choose(template?.Text, source.Tokenizer),
                Root = source.Path,
                Defaults = defaults,
                Facts = Facts(model, decoder, options),
                GraphCaptures = options.Device?.type == DeviceType.CUDA && decoder is ICapturingDecoder captured
                    ? () => captured.Captures : null,
            });
            SettleMemory();
            return loaded;
        }
        catch
        {
            decoder?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _decoder.Dispose();
        _model.Dispose();
    }

    /// <summary>Checks, before weights are read, that a model can be served.</summary>
    /// <param name="source">The model, opened.</param>
    /// <param name="options">How it would be loaded.</param>
    /// <exception cref="CrossheadException">An option is out of range, the chat template cannot be read, the model's
    /// files state a sampling out of range, or the model or the cache's memory has not the context asked
    /// for.</exception>
    public static void Check(ModelSource source, LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Template(source, options);
        Defaults(source, options);
        TensorParallelModel.Check(source.Options, options.TensorParallel, options.Device ?? ComputeDevice.Cpu,
            options.Type);
        var format = options.Cache.FormatFor(options.Type, options.Device);
        if (options.Deterministic)
            DeterministicDecoding.Check(source.Options, options.Type, options.Device?.type ?? DeviceType.CPU, format);
        var context = ContextOf(source, options);
        if (options.CacheMemory is not null)
            CachePages.Count(options, context,
                TensorParallelModel.CacheBytesPerToken(source.Options, options.TensorParallel, format));
    }

    // What loading made stays. The first collection of garbage would move it, and stop all answers for a tenth of a
    // second. So it is moved now, generation by generation.
    private static void SettleMemory()
    {
        for (var generation = 0; generation < GC.MaxGeneration; generation++) GC.Collect();
    }

    private static int ContextOf(ModelSource source, LoadOptions options)
    {
        var most = source.Options.Context;
        if (options.Engine.MaxContext is not { } asked) return most;
        return asked <= most ? asked
            : throw new CrossheadException($"a context of {asked} tokens (--max-context) is asked for, and "
                + $"\"{source.Path}\" has one of {most}; ask for at most that.");
    }

    // How tokens are drawn where a request does not say.
    private static SamplingOptions Defaults(ModelSource source, LoadOptions options)
    {
        var plain = new SamplingOptions();
        if (options.IgnoresStoredSampling) return plain;
        var stored = source.Description.Sampling;
        var defaults = new SamplingOptions
        {
            Temperature = stored.Temperature ?? plain.Temperature,
            TopK = Math.Max(stored.TopK ?? plain.TopK, 0),
            TopP = stored.TopP ?? plain.TopP,
            MinP = stored.MinP ?? plain.MinP,
            RepetitionPenalty = stored.RepetitionPenalty ?? plain.RepetitionPenalty,
        };
        try
        {
            defaults.Validate();
        }
        catch (CrossheadException e)
        {
            throw new CrossheadException($"the sampling that \"{source.Path}\" states: {e.Message} Repair its "
                + "generation_config.json, or ignore its values.", e);
        }
        return defaults;
    }

    private static ChatTemplate? Template(ModelSource source, LoadOptions options)
    {
        if (options.ChatTemplate is { } file) return source.Description.LoadChatTemplate(file);
        return source.Description.HasChatTemplate ? source.ChatTemplate : null;
    }

    private static JsonObject Facts(TextModel model, IDecoder decoder, LoadOptions options)
    {
        var cache = (IPageStore)decoder.Cache;
        return new JsonObject
        {
            ["variant"] = model.Options.Attention.Variant.NameOf(),
            ["device"] = options.Device?.ToString() ?? "cpu",
            ["tensor_parallel"] = options.TensorParallel,
            ["dtype"] = Precision.NameOf(options.Type),
            ["deterministic"] = options.Deterministic,
            ["cache_type"] = CacheOptions.NameOf(model.CacheFormat.Type),
            ["activations"] = ActivationTypes.NameOf(model.Activations),
            ["cache_bytes_per_token"] = cache.BytesPerPage / cache.PageTokens,
            ["cache_bytes"] = cache.BytesPerPage * cache.Pages,
            ["page_tokens"] = cache.PageTokens,
        };
    }
}
