using System.Globalization;
using System.Text;

namespace Crosshead.Server.Metrics;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4.</summary>
/// <param name="prefix">What all names begin with.</param>
/// <param name="model">The value of the label <c>model_name</c>.</param>
internal sealed class PrometheusText(string prefix, string model)
{
    /// <summary>The format's name in HTTP.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();
    private readonly string _model = Escaped(model);

    /// <summary>Begins a metric.</summary>
    /// <param name="name">Its name without the prefix.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    /// <param name="help">What it is, in one sentence.</param>
    public void Begin(string name, string type, string help)
    {
        _text.Append("# HELP ").Append(prefix).Append(name).Append(' ').Append(help).Append('\n');
        _text.Append("# TYPE ").Append(prefix).Append(name).Append(' ').Append(type).Append('\n');
    }

    /// <summary>Writes a value of the metric.</summary>
    public void Sample(string name, double value, (string Name, string Value)? label = null)
    {
        _text.Append(prefix).Append(name).Append("{model_name=\"").Append(_model).Append('"');
        if (label is { } more) _text.Append($",{more.Name}=\"{Escaped(more.Value)}\"");
        _text.Append("} ").Append(Number(value)).Append('\n');
    }

    /// <summary>Writes a metric of one value.</summary>
    public void Single(string name, string type, string help, double value)
    {
        Begin(name, type, help);
        Sample(name, value);
    }

    /// <summary>A number in the format.</summary>
    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
