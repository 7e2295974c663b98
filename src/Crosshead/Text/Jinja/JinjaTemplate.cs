using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>
/// A template of the part of Jinja that chat templates are written in: outputs, if, for with loop controls, set with
/// namespaces, macros, filters, tests and the methods of Python's strings, lists and dictionaries. It is read once into
/// functions.
/// </summary>
internal sealed class JinjaTemplate
{
    private readonly JinjaStatement _body;

    private JinjaTemplate(JinjaStatement body) => _body = body;

    /// <summary>Reads a template; <see cref="JinjaException"/> names what it cannot read and the line.</summary>
    public static JinjaTemplate Parse(string source) =>
        new(new JinjaStatementParser(JinjaLexer.Read(source)).Template());

    /// <summary>Renders the template with these variables.</summary>
    /// <param name="variables">The variables.</param>
    /// <param name="limits">Limits of the rendering.</param>
    public string Render(IEnumerable<KeyValuePair<string, object?>> variables, JinjaLimits? limits = null)
    {
        var scope = new JinjaScope(new JinjaBudget(limits ?? new JinjaLimits()));
        foreach (var (name, function) in JinjaGlobals.Functions) scope[name] = function;
        foreach (var (name, value) in variables) scope[name] = value;
        var output = new StringBuilder();
        try
        {
            _body(scope, output);
            scope.Budget.RequireOutput(output.Length);
        }
        catch (InsufficientExecutionStackException)
        {
            throw new JinjaException("its values nest too deeply");
        }
        return output.ToString();
    }
}
