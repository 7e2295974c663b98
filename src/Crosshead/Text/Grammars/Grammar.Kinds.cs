using System.Text;
using System.Text.Json;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

public sealed partial class Grammar
{
    /// <summary>Any JSON object.</summary>
    /// <param name="thought">A thought before the object; null for none.</param>
    public static Grammar JsonObject(ThoughtPrefix? thought = null) => Compile(thought, builder =>
    {
        var syntax = new JsonSyntax(builder);
        return GrammarBuilder.Sequence(syntax.Blanks, syntax.AnyObject);
    });

    /// <summary>
    /// The JSON texts that fit a schema. Supported are the keywords type, enum, const, anyOf, $ref (within the schema),
    /// properties, required, additionalProperties, items, minItems, maxItems, minLength, maxLength, pattern, and the
    /// bounds of integers. Titles, descriptions and other annotations are ignored. An object has its properties in the
    /// order of the schema. If it has "properties", it has no others unless "additionalProperties" allows them.
    /// </summary>
    /// <param name="schema">The schema.</param>
    /// <param name="name">What messages call the schema.</param>
    /// <param name="thought">A thought before the text; null for none.</param>
    /// <exception cref="CrossheadException">The schema is wrong or too large, uses another keyword, or nothing fits
    /// it. The message has the path of the keyword.</exception>
    public static Grammar JsonSchema(JsonElement schema, string name = "schema", ThoughtPrefix? thought = null) =>
        Compile(thought, builder =>
        {
            var syntax = new JsonSyntax(builder);
            return GrammarBuilder.Sequence(syntax.Blanks,
                new JsonSchemaCompiler(builder, syntax, schema, name).Compile());
        });

    /// <summary>
    /// The texts that match a regular expression as a whole. Supported are characters, ".", classes, \d \w \s and their
    /// opposites (of ASCII), escapes, groups, alternatives, and the quantifiers * + ? {m} {m,} {m,n}.
    /// </summary>
    /// <param name="pattern">The regular expression.</param>
    /// <param name="thought">A thought before the text; null for none.</param>
    /// <exception cref="CrossheadException">The expression is wrong, too large, or uses something else.</exception>
    public static Grammar Regex(string pattern, ThoughtPrefix? thought = null)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Compile(thought, builder => new RegexParser(pattern, "regex", builder, set => set.In(builder),
            everywhere: false).Parse());
    }

    /// <summary>One of some texts.</summary>
    /// <param name="choices">The texts.</param>
    /// <param name="thought">A thought before the text; null for none.</param>
    /// <exception cref="CrossheadException">There is no choice, one is empty, or all together are too long.</exception>
    public static Grammar Choice(IReadOnlyList<string> choices, ThoughtPrefix? thought = null)
    {
        ArgumentNullException.ThrowIfNull(choices);
        if (choices.Count == 0 || choices.Any(string.IsNullOrEmpty))
            throw new CrossheadException("choice is empty or has an empty text; give at least one text, and none that "
                + "is empty.");
        if (choices.Sum(text => (long)Encoding.UTF8.GetByteCount(text)) > GrammarLimits.SourceBytes)
            throw new CrossheadException($"choice has more than {GrammarLimits.SourceBytes / 1024} KiB of text; use "
                + "fewer or shorter texts.");
        return Compile(thought, builder => builder.OneOf(choices));
    }

    /// <summary>
    /// Answers that call tools, in the form that the model writes calls in. <see cref="AnswerParser"/> reads them.
    /// </summary>
    /// <param name="tools">The tools that may be called; one for a named tool.</param>
    /// <param name="format">The format of the model's answers.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="several">Whether the answer may have several calls. Llama's form has one in any case.</param>
    /// <param name="thought">A thought before the calls; null for none.</param>
    /// <exception cref="CrossheadException">The schema of a tool is not supported, or the form of the model's calls
    /// cannot be enforced.</exception>
    public static Grammar ToolCalls(IReadOnlyList<ChatTool> tools, AnswerFormat format, Tokenizer tokenizer,
        bool several = true, ThoughtPrefix? thought = null)
    {
        ArgumentNullException.ThrowIfNull(tools);
        ArgumentNullException.ThrowIfNull(format);
        return Compile(thought, builder => new ToolCallGrammar(builder, format, tokenizer).Compile(tools, several),
            areCalls: true);
    }

    private static Grammar Compile(ThoughtPrefix? thought, Func<GrammarBuilder, GrammarPart> compile,
        bool areCalls = false)
    {
        var builder = new GrammarBuilder();
        var rule = builder.DeclareRule();
        var part = compile(builder);
        builder.DefineRule(rule, thought?.Before(part, builder, areCalls) ?? part);
        return new Grammar(builder, rule);
    }
}
