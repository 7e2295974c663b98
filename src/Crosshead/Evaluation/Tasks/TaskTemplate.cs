using System.Globalization;
using Fluid;
using Fluid.Ast;
using Fluid.Parser;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>A Liquid template or expression of a task, parsed once, all of whose names and filters are known.</summary>
internal sealed class TaskTemplate
{
    private const int MaxSteps = 1_000_000;

    private static readonly FluidParser Parser = new();
    private static readonly TemplateOptions Options = CreateOptions();

    private readonly IFluidTemplate _template;
    private readonly Expression? _expression;
    private readonly string _key;

    private TaskTemplate(string key, IFluidTemplate template, Expression? expression, IReadOnlySet<string> names) =>
        (_key, _template, _expression, Names) = (key, template, expression, names);

    /// <summary>The names it uses.</summary>
    public IReadOnlySet<string> Names { get; }

    /// <summary>A context in which templates see what is set in it.</summary>
    public static TemplateContext NewContext() => new(Options);

    /// <summary>
    /// Parses the template at <paramref name="key"/> of the task file that errors call <paramref name="source"/>.
    /// </summary>
    /// <exception cref="CrossheadException">It is no Liquid, or uses a name or filter that there is not.</exception>
    public static TaskTemplate Parse(string text, IReadOnlyCollection<string> known, string key, string source) =>
        Parse(text, text, false, known, key, source);

    /// <summary>The same for an expression: what may stand between <c>{{</c> and <c>}}</c>.</summary>
    public static TaskTemplate ParseExpression(string text, IReadOnlyCollection<string> known, string key,
        string source) =>
        Parse("{{ " + text + " }}", text, true, known, key, source);

    /// <summary>The template's text.</summary>
    /// <exception cref="CrossheadException">A value is absent, or a filter cannot take it.</exception>
    public string Render(TemplateContext context, TaskRow row)
    {
        StrictMember.Absent(context).Clear();
        string text;
        try
        {
            text = _template.Render(context);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Failure(row, e);
        }
        return StrictMember.Absent(context) is [var absent, ..] ? throw new CrossheadException($"{row.Place}: {_key} "
            + $"needs \"{absent.Shown()}\", which the row does not have; repair the row or the task file.") : text;
    }

    /// <summary>The expression's value; nothing where a field that it needs is absent.</summary>
    public FluidValue? Evaluate(TemplateContext context, TaskRow row)
    {
        StrictMember.Absent(context).Clear();
        try
        {
            var value = Await(_expression!.EvaluateAsync(context));
            return value.IsNil() || StrictMember.Absent(context).Count > 0 ? null : value;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Failure(row, e);
        }
    }

    private CrossheadException Failure(TaskRow row, Exception e) =>
        new($"{row.Place}: {_key}: {e.Reason()}; repair the row or the task file.", e);

    private static TaskTemplate Parse(string liquid, string text, bool isExpression, IReadOnlyCollection<string> known,
        string key, string source)
    {
        if (!Parser.TryParse(liquid, out var template, out var error))
            throw new CrossheadException(
                $"{source}: {key} is no Liquid: {error.Split('\n')[0].Trim().Shown()}; see docs/tasks.md.");
        var found = new StrictRewriter();
        template = found.VisitTemplate(template);
        var expression = isExpression && template is FluidTemplate { Statements: [OutputStatement output] }
            ? output.Expression : null;
        if (isExpression && expression is null)
            throw new CrossheadException(
                $"{source}: {key} ({text.Shown()}) must be one Liquid expression, such as row.question | strip.");

        foreach (var name in found.Names)
            if (!known.Contains(name))
                throw new CrossheadException(
                    $"{source}: {key} names \"{name.Shown()}\", which is no field; {Suggestion.For(name, known)}");
        foreach (var filter in found.Filters)
            if (!Options.Filters.TryGetValue(filter, out _))
                throw new CrossheadException(
                    $"{source}: {key} uses the filter \"{filter.Shown()}\", which there is not; "
                    + $"{Suggestion.For(filter, Options.Filters.Select(f => f.Key).Order(StringComparer.Ordinal))}");
        return new(key, template, expression, found.Names);
    }

    // Nothing in a template waits for anything: values are at hand.
    private static FluidValue Await(ValueTask<FluidValue> value) =>
        value.IsCompletedSuccessfully ? value.Result : value.AsTask().GetAwaiter().GetResult();

    private static TemplateOptions CreateOptions()
    {
        var options = new TemplateOptions
        {
            CultureInfo = CultureInfo.InvariantCulture,
            MaxSteps = MaxSteps,
            StrictFilters = true,
        };
        TaskFilters.AddTo(options.Filters);
        return options;
    }
}
