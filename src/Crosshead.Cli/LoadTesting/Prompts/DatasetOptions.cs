namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Which requests a load test sends.</summary>
internal sealed record DatasetOptions
{
    /// <summary>The names of all data sets.</summary>
    public static IReadOnlyList<string> Names { get; } = ["random", "sharegpt", "sharegpt-like", "prefix", "long-mix"];

    private const int UsualLongPrompt = 32_768, Reserve = 64;

    /// <summary>The name of the data set.</summary>
    public required string Name { get; init; }

    /// <summary>The file of <c>sharegpt</c>; null if not given.</summary>
    public string? File { get; init; }

    /// <summary>A text that prompts are cut from; null for random words.</summary>
    public string? Text { get; init; }

    /// <summary>Tokens of a prompt; null for the data set's own.</summary>
    public int? Input { get; init; }

    /// <summary>Tokens of an answer; null for the data set's own.</summary>
    public int? Output { get; init; }

    /// <summary>How far lengths of <c>random</c> vary; null if not given.</summary>
    public double? Range { get; init; }

    /// <summary>Number of shared beginnings of <c>prefix</c>; null if not given.</summary>
    public int? Prefixes { get; init; }

    /// <summary>Tokens of a shared beginning of <c>prefix</c>; null if not given.</summary>
    public int? PrefixLength { get; init; }

    /// <summary>Whether the data set has its own order of requests, and no profile.</summary>
    public bool HasOwnOrder => Name == "long-mix";

    /// <summary>Checks the options, without opening a file.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or an option is missing or has no meaning in the data
    /// set.</exception>
    public void Validate()
    {
        if (!Names.Contains(Name))
            throw new CrossheadException($"--dataset \"{Name}\" is unknown; {Suggestion.For(Name, Names)}");
        if (Name == "sharegpt" && File is null)
            throw new CrossheadException("the data set sharegpt needs --dataset-file <file>; to test without a file, "
                + "use sharegpt-like.");
        Refuse("--dataset-file", File is not null && Name != "sharegpt");
        Refuse("--input-len", Input is not null && Name is ("sharegpt" or "sharegpt-like"));
        Refuse("--range-ratio", Range is not null && Name != "random");
        Refuse("--prefixes", Prefixes is not null && Name != "prefix");
        Refuse("--prefix-len", PrefixLength is not null && Name != "prefix");
        Refuse("--text", Text is not null && Name == "sharegpt");
    }

    /// <summary>Makes the data set. Reads its files.</summary>
    /// <param name="tokens">The model's tokens; null if they are not known.</param>
    /// <param name="asText">Whether prompts are sent as text, as in chats.</param>
    /// <param name="context">Most tokens that the model accepts; null if unknown.</param>
    /// <param name="seed">Chooses random words.</param>
    /// <exception cref="CrossheadException">A file cannot be read, or the data set needs the model's
    /// tokens.</exception>
    public ILoadDataset Create(IPromptTokens? tokens, bool asText, int? context, int seed)
    {
        if (Name == "sharegpt")
            return ShareGptDataset.Of(ShareGptDataset.Read(File!), tokens ?? throw new CrossheadException(
                "the data set sharegpt needs the model's tokens, and the server has no /tokenize; give --tokenizer "
                + "<folder>."), Output);
        var source = new PromptSource(tokens, asText, Text is null ? null : Files.TextFile.Read(Text), seed);
        return Name switch
        {
            "random" => new RandomDataset(source, Input ?? 1024, Output ?? 128, Range ?? 0),
            "sharegpt-like" => new ShareGptLikeDataset(source, Output),
            "prefix" => new PrefixDataset(source, Prefixes ?? 10, PrefixLength ?? 256, Input ?? 256, Output ?? 128),
            _ => new LongMixDataset(source,
                Input ?? Math.Max(1, Math.Min(UsualLongPrompt, (context ?? int.MaxValue) - Reserve)), Output ?? 1024),
        };
    }

    private void Refuse(string option, bool given)
    {
        if (given)
            throw new CrossheadException($"{option} has no meaning with the data set {Name}; leave it out, or choose "
                + $"another data set.");
    }
}
