using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// A name in a template, such as <c>row.question.stem</c>. Liquid silently treats a missing value as nothing. Therefore
/// names without a value are recorded.
/// </summary>
internal sealed class StrictMember(MemberExpression member) : Expression
{
    private const string Key = "absent";

    private readonly string _name = string.Concat(member.Segments.Select((s, i) => s switch
    {
        IdentifierSegment identifier => (i == 0 ? "" : ".") + identifier.Identifier,
        IndexerSegment { Expression: LiteralExpression literal } => $"[{literal.Value.ToStringValue()}]",
        _ => "[…]",
    }));

    /// <summary>The names without a value that were met in a context since it was made or the list cleared.</summary>
    public static List<string> Absent(TemplateContext context)
    {
        if (context.AmbientValues.TryGetValue(Key, out var noted)) return (List<string>)noted;
        var absent = new List<string>();
        context.AmbientValues[Key] = absent;
        return absent;
    }

    public override async ValueTask<FluidValue> EvaluateAsync(TemplateContext context)
    {
        var value = await member.EvaluateAsync(context);
        if (value.IsNil()) Absent(context).Add(_name);
        return value;
    }
}
