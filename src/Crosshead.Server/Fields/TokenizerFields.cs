namespace Crosshead.Server.Fields;

/// <summary>The fields of requests that only turn text into tokens or back.</summary>
internal static class TokenizerFields
{
    private const string Texts = """{"type":"string"}""";

    public static readonly FormField Prompt = new("prompt", Texts, "The text.");
    public static readonly FormField Content = new("content", Texts, "Another name of prompt.");
    public static readonly SwitchField AddSpecial = new("add_special_tokens",
        "Whether special tokens are added; true for a text, false for messages.");
    public static readonly SwitchField AddSpecialAlias = new("add_special", "Another name of add_special_tokens.");
    public static readonly SwitchField ReturnTexts = new("return_token_strs",
        "Whether the answer has the text of each token.");
    public static readonly FormField Tokens = new("tokens",
        """{"type":"array","items":{"type":"integer","minimum":0}}""", "Ids of tokens.");

    /// <summary>Those of a request for tokens.</summary>
    public static readonly FieldTable Tokenize = new([Prompt, Content, AddSpecial, AddSpecialAlias, ReturnTexts,
        .. ChatFields.Template.All,
        new RefusedField("with_pieces", ["false"], "use return_token_strs"),
        new RefusedField("parse_special", ["true"], "names of special tokens in the text are those tokens")]);

    /// <summary>Those of a request for text.</summary>
    public static readonly FieldTable Detokenize = new(Tokens, SharedFields.Model);
}
