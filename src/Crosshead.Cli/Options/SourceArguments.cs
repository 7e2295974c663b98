using System.CommandLine;
using Crosshead.Data.Sources;

namespace Crosshead.Cli.Options;

/// <summary>The text that a command reads, and how it is split into documents.</summary>
internal sealed class SourceArguments
{
    private readonly Argument<string[]> _inputs = new("INPUT")
    {
        Description = "Text, JSONL or Parquet files (also .gz or .zst), folders, or patterns such as "
            + "'data/**/*.jsonl.gz'.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _field = new("--field")
    {
        Description = "JSON field or Parquet column that holds the text.",
        HelpName = "name",
        DefaultValueFactory = _ => new SourceOptions().Field,
    };

    private readonly Option<string> _split = new("--split-on")
    {
        Description = "Where plain text is split in documents: auto, paragraphs, file, or the line between documents.",
        HelpName = "rule",
        DefaultValueFactory = _ => new SourceOptions().SplitOn.ToString(),
    };

    /// <summary>Adds the argument and the options to a command.</summary>
    public SourceArguments(Command command)
    {
        command.Arguments.Add(_inputs);
        command.Options.Add(_field);
        command.Options.Add(_split);
    }

    /// <summary>The given files, folders and patterns.</summary>
    public string[] Inputs(ParseResult arguments) => arguments.GetRequiredValue(_inputs);

    /// <summary>Finds the files that are to be read.</summary>
    /// <exception cref="CrossheadException">An input is missing, or an option is given that no file needs.</exception>
    public DocumentReader Open(ParseResult arguments)
    {
        var reader = new DocumentReader(Inputs(arguments), Options(arguments));
        var formats = reader.Files.Select(f => f.Format).ToHashSet();
        if (arguments.IsGiven(_field) && formats.SetEquals([SourceFormat.Text]))
            throw new CrossheadException($"{_field.Name} names a field of JSONL or Parquet, and all inputs are plain "
                + "text; leave it out.");
        if (arguments.IsGiven(_split) && !formats.Contains(SourceFormat.Text))
            throw new CrossheadException($"{_split.Name} splits plain text, and all inputs are JSONL or Parquet, whose "
                + "rows are the documents; leave it out.");
        return reader;
    }

    /// <summary>How text is split into documents.</summary>
    /// <exception cref="CrossheadException">The splitting rule is empty.</exception>
    public SourceOptions Options(ParseResult arguments) =>
        new()
        {
            Field = arguments.GetRequiredValue(_field),
            SplitOn = TextSplit.Parse(arguments.GetRequiredValue(_split)),
        };
}
