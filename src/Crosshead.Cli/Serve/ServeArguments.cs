using System.CommandLine;
using System.Net;
using Crosshead.Cli.Options;
using Crosshead.Files;
using Crosshead.Server;
using Crosshead.Server.Loading;
using Crosshead.Serving;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Cli.Serve;

/// <summary>Where and how a model is served.</summary>
internal sealed class ServeArguments
{
    private static readonly ServerOptions s_server = new();
    private static readonly EngineOptions s_engine = new();

    private readonly Option<string> _host = new("--host")
    {
        Description = "Address to listen at; 0.0.0.0 for all addresses of the machine. Use --api-key with any but the "
            + "machine's own.",
        HelpName = "address",
        DefaultValueFactory = _ => s_server.Address.ToString(),
    };

    private readonly Option<string[]> _allowedHosts = new("--allow-host")
    {
        Description = "Name by which browsers may ask for this server besides localhost and addresses, such as that of "
            + "a proxy; may be given several times.",
        HelpName = "name",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<int> _port = NumberOption.WithDefault("--port", "Port to listen at; 0 takes any free one.",
        0, 65535, s_server.Port);
    private readonly Option<int?> _context = NumberOption.Optional("--max-context",
        "Most tokens of a prompt with its answer; without it what the model and the cache allow.", 2, int.MaxValue);
    private readonly Option<int> _sequences = NumberOption.WithDefault("--max-sequences",
        "Most answers that are computed side by side.", 1, 4096, LoadOptions.UsualSequences);
    private readonly Option<int> _step = NumberOption.WithDefault("--max-step-tokens",
        "Most tokens computed in one step, of prompts and answers.", 1, 1 << 20, s_engine.MaxStepTokens);
    private readonly Option<int> _queued = NumberOption.WithDefault("--max-queued",
        "Most requests in work beyond --max-sequences; more are refused with 503.", 1, 1 << 20, s_engine.MaxQueued);
    private readonly Option<int> _queuedTokens = NumberOption.WithDefault("--max-queued-tokens",
        "Tokens of prompts that wait, from which on requests are refused with 503.", 1, int.MaxValue,
        s_engine.MaxQueuedTokens);
    private readonly Option<int> _parallel = TensorParallelOption.Create();
    private readonly Option<long?> _cache = SizeOption.Optional("--cache-memory",
        "Memory for the keys and values of past tokens, such as 8GiB; without it what the answers need, as far as half "
            + "of the free memory goes.");
    private readonly Option<bool> _noPrefixCache = new("--no-prefix-cache")
    {
        Description = "Compute every prompt from its beginning, also if an earlier one began in the same way.",
    };

    private readonly Option<bool> _deterministic = new("--deterministic")
    {
        Description = "Give a request with its seed the same answer to the last bit, whatever else is computed. On a "
            + "processor this is always so; on a GPU it costs speed.",
    };

    private readonly Option<string> _policy = NameOption.WithDefault("--policy",
        "Who goes first: fcfs (first come, first served) or priority (the field of a request).", "fcfs", "fcfs",
        "priority");

    private readonly Option<string[]> _keys = new("--api-key")
    {
        Description = "Key that clients must send; may be given several times. Other users of the machine may see it: "
            + "prefer --api-key-file.",
        HelpName = "key",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _keyFile = new("--api-key-file")
    {
        Description = "File, or a pipe, with a key on each line.",
        HelpName = "file",
    };

    private readonly Option<string[]> _names = new("--served-name")
    {
        Description = "Name of the model for clients; may be given several times. Without it the folder's name.",
        HelpName = "name",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _template = ChatTemplateOption.Create();

    private readonly Option<bool> _requestTemplate = new("--allow-request-template")
    {
        Description = "Let requests bring a chat template of their own, in the field chat_template.",
    };

    private readonly Option<string> _reasoning = NameOption.WithDefault("--reasoning-field",
        "The field in which answers tell what the model thinks: reasoning (vLLM), reasoning_content (DeepSeek, "
            + "llama.cpp), or both.", "both", "both", "reasoning", "reasoning_content");

    private readonly Option<bool> _ignoreDefaults = new("--ignore-generation-config")
    {
        Description = "Draw from all tokens at temperature 1 where a request does not say, whatever the model's "
            + "generation_config.json says.",
    };

    private readonly Option<long?> _body = SizeOption.Optional("--max-body",
        $"Most bytes of a request's body; without it {Quantity.Bytes(s_server.MaxBody)}.");
    private readonly Option<int> _choices = NumberOption.WithDefault("--max-choices",
        "Most answers to one prompt.", 1, 128, s_server.MaxChoices);
    private readonly Option<int> _drain = NumberOption.WithDefault("--drain",
        "Seconds that running answers may take once the server is told to stop.", 0, 86400,
        (int)s_server.Drain.TotalSeconds);
    private readonly Option<int> _stall = NumberOption.WithDefault("--stall-timeout",
        "Seconds after which an answer that its client does not read is cancelled.", 1, 86400,
        (int)s_engine.StallTimeout.TotalSeconds);
    private readonly Option<int?> _rate = NumberOption.Optional("--rate-limit",
        "Requests for answers that each API key may send in a minute, or all clients together if there is no key; "
            + "more are refused with 429. Without it there is no limit.", 1, ServerOptions.LargestRate);
    private readonly Option<int?> _timeout = NumberOption.Optional("--request-timeout",
        "Seconds after which a request that has not ended is ended with 504; without it there is no limit.", 1, 86400);
    private readonly Option<string> _metrics = new("--metrics-prefix")
    {
        Description = "What the names of metrics begin with; \"vllm:\" for ready dashboards.",
        HelpName = "text",
        DefaultValueFactory = _ => s_server.MetricsPrefix,
    };

    private readonly Option<bool> _logPrompts = new("--log-prompts")
    {
        Description = "Show the beginning of each prompt in the log.",
    };

    /// <summary>Adds the options to a command.</summary>
    public ServeArguments(Command command)
    {
        foreach (var option in new Option[] { _host, _port, _allowedHosts, _names, _keys, _keyFile, _context,
            _sequences, _step, _queued, _queuedTokens, _rate, _parallel, _cache, _noPrefixCache, _deterministic,
            _policy, _template, _requestTemplate, _reasoning, _ignoreDefaults, _choices, _body, _drain, _stall,
            _timeout, _metrics, _logPrompts })
            command.Options.Add(option);
    }

    /// <summary>The options of the server, checked.</summary>
    /// <exception cref="CrossheadException">A value cannot be used, or the file of keys cannot be read.</exception>
    public ServerOptions Server(ParseResult arguments)
    {
        var options = new ServerOptions
        {
            Address = Address(arguments.GetRequiredValue(_host)),
            Port = arguments.GetValue(_port),
            AllowedHosts = arguments.GetRequiredValue(_allowedHosts),
            ApiKeys = [.. arguments.GetRequiredValue(_keys), .. KeysOf(arguments.GetValue(_keyFile))],
            MaxBody = arguments.GetValue(_body) ?? s_server.MaxBody,
            MaxChoices = arguments.GetValue(_choices),
            RateLimit = arguments.GetValue(_rate),
            Drain = TimeSpan.FromSeconds(arguments.GetValue(_drain)),
            MetricsPrefix = arguments.GetRequiredValue(_metrics),
            ReasoningFields = ReasoningFields(arguments.GetRequiredValue(_reasoning)),
            LogsPrompts = arguments.GetValue(_logPrompts),
        };
        options.Validate();
        return options;
    }

    /// <summary>The options of the model, checked.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="type">In which precision; null for the device's usual one.</param>
    /// <exception cref="CrossheadException">A value cannot be used.</exception>
    public LoadOptions Model(ParseResult arguments, Device device, ScalarType? type)
    {
        var options = new LoadOptions
        {
            Device = device,
            Type = type ?? (device.type == DeviceType.CUDA ? ScalarType.BFloat16 : ScalarType.Float32),
            MaxSequences = arguments.GetValue(_sequences),
            TensorParallel = arguments.GetValue(_parallel),
            CacheMemory = arguments.GetValue(_cache),
            Deterministic = arguments.GetValue(_deterministic),
            Names = arguments.GetRequiredValue(_names),
            ChatTemplate = arguments.GetValue(_template),
            TakesRequestTemplates = arguments.GetValue(_requestTemplate),
            IgnoresStoredSampling = arguments.GetValue(_ignoreDefaults),
            Engine = s_engine with
            {
                MaxContext = arguments.GetValue(_context),
                MaxStepTokens = arguments.GetValue(_step),
                MaxQueued = arguments.GetValue(_queued),
                MaxQueuedTokens = arguments.GetValue(_queuedTokens),
                PrefixCache = !arguments.GetValue(_noPrefixCache),
                Priorities = arguments.GetRequiredValue(_policy) == "priority",
                StallTimeout = TimeSpan.FromSeconds(arguments.GetValue(_stall)),
                RequestTimeout = arguments.GetValue(_timeout) is { } limit ? TimeSpan.FromSeconds(limit) : null,
            },
        };
        options.Validate();
        return options;
    }

    private static IReadOnlyList<string> ReasoningFields(string field) =>
        field == "both" ? s_server.ReasoningFields : [field];

    private static IPAddress Address(string host) => host switch
    {
        "localhost" => IPAddress.Loopback,
        "*" => IPAddress.Any,
        _ => IPAddress.TryParse(host, out var address) ? address : throw new CrossheadException(
            $"--host ({host}) must be an IP address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1."),
    };

    private static string[] KeysOf(string? file)
    {
        if (file is null) return [];
        try
        {
            string[] keys = [.. InputFile.ReadLines(file, orPipe: true).Select(l => l.Trim()).Where(l => l.Length > 0)];
            return keys.Length > 0 ? keys : throw new CrossheadException(
                $"--api-key-file \"{file}\" holds no key; put a key on each line.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"--api-key-file \"{file}\" cannot be read: {e.Reason()}; name a "
                + "file with a key on each line.", e);
        }
    }
}
