using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead tokenizer encode</c>: converts text to token ids.</summary>
internal sealed class TokenizerEncodeCommand : CliCommand
{
    private readonly Argument<string?> _text = new("TEXT")
    {
        Description = "The text; without it standard input is read to its end.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string> _tokenizer = TokenizerOption.Create();
    private readonly Option<bool> _plain =
        new("--plain") { Description = "Add no special tokens, and take their names in the text for text." };

    /// <summary>Describes the command.</summary>
    public TokenizerEncodeCommand() : base("encode",
        "Turn text into token ids.",
        "crosshead tokenizer encode \"Heads that work together\" --tokenizer tokenizer.json",
        "crosshead tokenizer encode --tokenizer model.gguf --json < notes.txt")
    {
        Arguments.Add(_text);
        Options.Add(_tokenizer);
        Options.Add(_plain);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var tokenizer = TokenizerOption.Load(arguments.GetRequiredValue(_tokenizer));
        return (output, _) => Encode(arguments.GetValue(_text) ?? output.Terminal.ReadInput(), tokenizer,
            special: !arguments.GetValue(_plain), output);
    }

    private static int Encode(string text, Tokenizer tokenizer, bool special, CommandOutput output)
    {
        var ids = tokenizer.Encode(text, addSpecialTokens: special, parseSpecialTokens: special);
        output.Line(string.Join(' ', ids));
        if (output.Json)
            output.Result(new JsonObject
            {
                ["vocab"] = tokenizer.VocabularySize,
                ["count"] = ids.Length,
                ["ids"] = CommandOutput.List(ids, id => JsonValue.Create(id)),
            });
        return ExitCode.Done;
    }
}
