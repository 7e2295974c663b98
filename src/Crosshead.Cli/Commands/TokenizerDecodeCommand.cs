using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead tokenizer decode</c>: converts token ids to text.</summary>
internal sealed class TokenizerDecodeCommand : CliCommand
{
    private readonly Argument<string[]> _ids = new("ID")
    {
        Description = "Token ids; without any they are read from standard input, separated by spaces.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<string> _tokenizer = TokenizerOption.Create();
    private readonly Option<bool> _skipSpecial =
        new("--skip-special") { Description = "Leave special tokens out of the text." };

    /// <summary>Describes the command.</summary>
    public TokenizerDecodeCommand() : base("decode",
        "Turn token ids into text, exactly: nothing is added to it, not even a line end.",
        "crosshead tokenizer decode 39 301 87 --tokenizer tokenizer.json",
        "crosshead tokenizer decode --tokenizer tokenizer.json < ids.txt > text.txt")
    {
        Arguments.Add(_ids);
        Options.Add(_tokenizer);
        Options.Add(_skipSpecial);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var tokenizer = TokenizerOption.Load(arguments.GetRequiredValue(_tokenizer));
        var given = arguments.GetValue(_ids) is { Length: > 0 } words ? Ids(words) : null;
        return (output, _) =>
            Decode(given ?? Ids([output.Terminal.ReadInput()]), tokenizer, arguments.GetValue(_skipSpecial), output);
    }

    private static int Decode(int[] ids, Tokenizer tokenizer, bool skipSpecial, CommandOutput output)
    {
        var text = tokenizer.Decode(ids, skipSpecial);
        output.Text(text);
        if (output.Json)
            output.Result(new JsonObject
            {
                ["vocab"] = tokenizer.VocabularySize,
                ["ids"] = CommandOutput.List(ids, id => JsonValue.Create(id)),
                ["text"] = text,
            });
        return ExitCode.Done;
    }

    private static int[] Ids(IEnumerable<string> words) => [.. words.SelectMany(
        w => w.Split([' ', ',', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries)).Select(Id)];

    private static int Id(string word) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        ? id
        : throw new CrossheadException($"\"{word}\" is no token id; ids are whole numbers from 0, such as those that "
            + $"\"crosshead tokenizer encode\" prints.");
}
