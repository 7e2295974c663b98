using System.CommandLine;
using Crosshead.Generation;

namespace Crosshead.Cli.Options;

/// <summary>The options for drawing text from a model.</summary>
internal sealed class SamplingArguments
{
    private static readonly SamplingOptions s_default = new();

    private readonly Option<int> _maxTokens;
    private readonly Option<double> _temperature = NumberOption.WithDefault("--temperature",
        "Divides the logits; 0 takes the most likely token.", 0.0, 100, s_default.Temperature);
    private readonly Option<int> _topK = NumberOption.WithDefault("--top-k",
        "Keep the k most likely tokens; 0 keeps all.", 0, int.MaxValue, s_default.TopK);
    private readonly Option<double> _topP = TopP();
    private readonly Option<double> _minP = NumberOption.WithDefault("--min-p",
        "Keep tokens at least this many times as likely as the most likely.", 0.0, 1, s_default.MinP);
    private readonly Option<double> _penalty = NumberOption.WithDefault("--repetition-penalty",
        "Makes tokens that have occurred less likely; 1 changes nothing.", SamplingOptions.LeastPenalty, 100,
        s_default.RepetitionPenalty);
    private readonly Option<long?> _seed = NumberOption.Optional("--seed",
        "Draws the same tokens each time; without it others each time.", 0, long.MaxValue);
    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "Text that ends the answer and is left out of it; may be given several times.",
        HelpName = "text",
        DefaultValueFactory = _ => [],
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="maxTokens">Most tokens to generate without <c>--max-tokens</c>; null for the library's
    /// default.</param>
    public SamplingArguments(Command command, int? maxTokens = null)
    {
        _maxTokens = NumberOption.WithDefault("--max-tokens", "Most tokens to generate.", 1, int.MaxValue,
            maxTokens ?? new GenerationOptions().MaxTokens);
        foreach (var option in new Option[] { _maxTokens, _temperature, _topK, _topP, _minP, _penalty, _stop, _seed })
            command.Options.Add(option);
    }

    /// <summary>The option <c>--top-p</c>.</summary>
    public static Option<double> TopP() => NumberOption.Above("--top-p",
        "Keep the most likely tokens that together reach this probability; 1 keeps all.", 0, 1, s_default.TopP,
        "use 1 to keep all tokens, or --top-k 1 for the most likely alone");

    /// <summary>Turns the command line into options of generation.</summary>
    /// <param name="arguments">The parsed command line.</param>
    public GenerationOptions Options(ParseResult arguments) => new()
    {
        MaxTokens = arguments.GetValue(_maxTokens),
        StopStrings = arguments.GetRequiredValue(_stop),
        Sampling = new SamplingOptions
        {
            Temperature = arguments.GetValue(_temperature),
            TopK = arguments.GetValue(_topK),
            TopP = arguments.GetValue(_topP),
            MinP = arguments.GetValue(_minP),
            RepetitionPenalty = arguments.GetValue(_penalty),
            Seed = arguments.GetValue(_seed),
        },
    };
}
