using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Options;
using Crosshead.Data;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead tokenizer encode</c>: text to token ids.</summary>
internal sealed class TokenizerEncodeCommand : CliCommand
{
    private readonly Argument<string?> _text = new("TEXT") { Description = "The text; without it standard input is read to its end.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string> _tokenizer = TokenizerOption.Create();
    private readonly Option<bool> _plain = new("--plain") { Description = "Add no special tokens, and take their names in the text for text." };

    /// <summary>Describes the command.</summary>
    public TokenizerEncodeCommand() : base("encode",
        "Turn text into token ids.",
        "crosshead tokenizer encode \"Heads that work together\" --tokenizer tokenizer.json",
        "crosshead tokenizer encode --tokenizer tokenizer.json --json < notes.txt")
    {
        Arguments.Add(_text);
        Options.Add(_tokenizer);
        Options.Add(_plain);
    }

    /// <inheritdoc/>
    public override int Run(ParseResult arguments, CommandOutput output, CancellationToken cancel)
    {
        var tokenizer = Tokenizer.Load(arguments.GetRequiredValue(_tokenizer));
        var text = arguments.GetValue(_text) ?? output.Terminal.ReadInput();
        var special = !arguments.GetValue(_plain);
        var ids = tokenizer.Encode(text, addSpecialTokens: special, parseSpecialTokens: special);
        output.Line(string.Join(' ', ids));
        if (output.Json)
            output.Result(new JsonObject { ["vocab"] = tokenizer.VocabularySize, ["count"] = ids.Length, ["ids"] = CommandOutput.List(ids, id => JsonValue.Create(id)) });
        return ExitCode.Done;
    }
}
