using System.CommandLine;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.LoadTesting.Prompts;
using Crosshead.Cli.Options;

namespace Crosshead.Cli.LoadTesting;

/// <summary>The options of a load test: model, profile, data set and sampling.</summary>
internal sealed class LoadTestArguments
{
    private const int Most = 1 << 24, UsualRequests = 100;

    private readonly Option<string?> _model = Text("--model",
        "Name of the model; without it the server's first model.", "name");
    private readonly Option<string> _endpoint = NameOption.WithDefault("--endpoint",
        "Which endpoint is asked: completions or chat.", "completions", "completions", "chat");
    private readonly Option<string?> _profile = NameOption.Optional("--profile",
        "When requests are sent: synchronous (one at a time), "
        + "concurrent (--max-concurrency at a time), throughput (all at once), constant or poisson "
        + "(--request-rate), or "
        + "sweep (a case per concurrency); without it what the other options suggest.", LoadProfile.Names);
    private readonly Option<int?> _requests = NumberOption.Optional("--num-prompts", $"Number of requests per case, "
        + $"without it {UsualRequests}; a sweep sends at most 8 per stream, and at least 16.", 1, Most);
    private readonly Option<double?> _rate = NumberOption.Optional("--request-rate",
        "Requests per second.", 0.001, 1e6);
    private readonly Option<double?> _burstiness = NumberOption.Optional("--burstiness", "Shape of the gamma "
        + "distributed gaps between requests: 1 is a Poisson process, less is burstier; 1 without it.", 0.001, 1e6);
    private readonly Option<int?> _concurrency = NumberOption.Optional("--max-concurrency",
        "Most requests that are open at once.", 1, Most);
    private readonly Option<string?> _concurrencies = Text("--concurrencies", "Concurrencies of a sweep, separated by "
        + "commas; without it 1,8,32,128,inf.", "a,b,…");
    private readonly Option<string> _dataset = NameOption.WithDefault("--dataset",
        "What is sent: random (1024 tokens in, 128 out), sharegpt (from --dataset-file), sharegpt-like (random lengths "
        + "of about 200 in and out), prefix (10 shared beginnings of 256, 256 own, 128 out), or long-mix (31 answers, "
        + "and one prompt of 32768 among them).", "random", DatasetOptions.Names);
    private readonly Option<string?> _file = Text("--dataset-file", "The ShareGPT file, a JSON list of conversations.",
        "file");
    private readonly Option<string?> _text = Text("--text",
        "A text that prompts are cut from; without it random words.", "file");
    private readonly Option<int?> _input = NumberOption.Optional("--input-len", "Tokens of a prompt: the own part with "
        + "prefix, the long one with long-mix.", 1, Most);
    private readonly Option<int?> _output = NumberOption.Optional("--output-len", "Tokens of an answer.", 1, Most);
    private readonly Option<double?> _range = NumberOption.Optional("--range-ratio", "How far random lengths vary to "
        + "both sides, as a share; 0 without it.", 0.0, 0.99);
    private readonly Option<int?> _prefixes = NumberOption.Optional("--prefixes",
        "Number of shared beginnings.", 1, Most);
    private readonly Option<int?> _prefixLength = NumberOption.Optional("--prefix-len", "Tokens of a shared beginning.",
        1, Most);
    private readonly Option<string?> _tokenizer = Text("--tokenizer", "The model's tokenizer.json, a folder that "
        + "holds it, or a GGUF file; without it the server's /tokenize counts tokens.", "file");
    private readonly Option<bool> _ignoreEos = new("--ignore-eos")
    {
        Description = "Ask for answers of full length, which go on after an end token.",
    };
    private readonly Option<bool> _onlyOpenAi = OpenAiFieldsOption.Create(
        "ignore_eos, return_token_ids, top_k, min_p, repetition_penalty");
    private readonly Option<double> _temperature = NumberOption.WithDefault("--temperature",
        "Divides the logits; 0 takes the most likely token.", 0.0, 2, 0);
    private readonly Option<int> _seed = NumberOption.WithDefault("--seed", "Chooses prompts, lengths and times.", 0,
        int.MaxValue, 0);
    private readonly Option<string?> _goodput = Text("--goodput", "Longest times that a user accepts, in milliseconds, "
        + "such as ttft:200,tpot:50,e2el:2000; requests that keep all of them are counted per second.", "limits");

    /// <summary>Adds the options to a command.</summary>
    public LoadTestArguments(Command command)
    {
        (_profile.HelpName, _dataset.HelpName) = ("name", "name"); // their descriptions say what each name means
        foreach (var option in new Option[]
        {
            _model, _endpoint, _profile, _requests, _rate, _burstiness, _concurrency, _concurrencies, _dataset, _file,
            _text, _input, _output, _range, _prefixes, _prefixLength, _tokenizer, _ignoreEos, _onlyOpenAi, _temperature,
            _seed, _goodput,
        })
            command.Options.Add(option);
    }

    /// <summary>Turns the command line into options of a load test.</summary>
    /// <exception cref="CrossheadException">An option is out of range, or contradicts another.</exception>
    public LoadTestOptions Options(ParseResult arguments)
    {
        var dataset = Dataset(arguments);
        dataset.Validate();
        return new LoadTestOptions
        {
            Model = arguments.GetValue(_model),
            Form = Form(arguments),
            Dataset = dataset,
            Cases = dataset.HasOwnOrder ? Mixed(arguments) : Profile(arguments, UsualRequests).Cases(),
            Levels = arguments.GetValue(_goodput) is { } limits ? ServiceLevels.Parse(limits) : null,
            Tokenizer = arguments.GetValue(_tokenizer) is { } path ? TokenizerOption.Load(path) : null,
            Seed = arguments.GetValue(_seed),
        };
    }

    private static Option<string?> Text(string name, string description, string placeholder) =>
        new(name) { Description = description, HelpName = placeholder };

    private LoadProfile Profile(ParseResult arguments, int usual) => new()
    {
        Name = arguments.GetValue(_profile),
        Requests = arguments.GetValue(_requests) ?? usual,
        Rate = arguments.GetValue(_rate),
        Burstiness = arguments.GetValue(_burstiness),
        Concurrency = arguments.GetValue(_concurrency),
        Concurrencies = arguments.GetValue(_concurrencies) is { } list
            ? ListOption.Read(_concurrencies.Name, list, LoadProfile.ParseConcurrency, "1,8,inf") : null,
    };

    // The long prompt is sent when all other answers have begun, so nothing else decides the order.
    private LoadCase[] Mixed(ParseResult arguments)
    {
        var profile = Profile(arguments, LongMixDataset.UsualRequests);
        arguments.Refuse("has no meaning with the data set long-mix, which has its own order; leave it out.", _profile,
            _rate, _burstiness, _concurrency, _concurrencies);
        return profile.Requests > 1 ? [new LoadCase("long-mix", profile.Requests)]
            : throw new CrossheadException(
                "--num-prompts (1) leaves no answer beside the long prompt; give at least 2.");
    }

    private RequestForm Form(ParseResult arguments)
    {
        var endpoint = arguments.GetRequiredValue(_endpoint);
        if (arguments.GetValue(_ignoreEos) && arguments.GetValue(_onlyOpenAi))
            throw new CrossheadException("--ignore-eos needs a field that OpenAI's interface lacks; leave it or "
                + "--openai-fields-only out.");
        return new RequestForm
        {
            Model = "",
            IsChat = endpoint == "chat",
            Temperature = arguments.GetValue(_temperature),
            Seed = arguments.GetValue(_seed),
            IgnoreEos = arguments.GetValue(_ignoreEos),
            OnlyOpenAiFields = arguments.GetValue(_onlyOpenAi),
        };
    }

    private DatasetOptions Dataset(ParseResult arguments) => new()
    {
        Name = arguments.GetRequiredValue(_dataset),
        File = arguments.GetValue(_file),
        Text = arguments.GetValue(_text),
        Input = arguments.GetValue(_input),
        Output = arguments.GetValue(_output),
        Range = arguments.GetValue(_range),
        Prefixes = arguments.GetValue(_prefixes),
        PrefixLength = arguments.GetValue(_prefixLength),
    };
}
