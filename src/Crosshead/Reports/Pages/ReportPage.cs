using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Crosshead.Files;
using Fluid;

namespace Crosshead.Reports.Pages;

/// <summary>
/// Makes one HTML page from sections. The page needs no network, no script and no other file.
/// </summary>
internal static class ReportPage
{
    private static readonly FluidParser Parser = new();
    private static readonly TemplateOptions Options =
        new() { CultureInfo = CultureInfo.InvariantCulture, MaxSteps = 0 };
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private static readonly ConcurrentDictionary<string, IFluidTemplate> Templates = new();

    /// <summary>
    /// Returns the page as HTML. Every value is encoded; only the templates and the charts contain markup.
    /// </summary>
    public static string Render(string title, DateTimeOffset created, IEnumerable<ReportSection> sections)
    {
        var parts = sections.Select(s => new Dictionary<string, object?>
        {
            ["heading"] = s.Heading,
            ["content"] = Render(s.Template, s.Model),
        }).ToArray();
        return Render("page", new Dictionary<string, object?>
        {
            ["title"] = title,
            ["created"] = created.ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture),
            ["style"] = Resource("style.css"),
            ["sections"] = parts,
        });
    }

    /// <summary>
    /// Writes a page to a file. If the process ends early, the file is either the old or the new one, never a part.
    /// </summary>
    /// <exception cref="CrossheadException">The file cannot be written.</exception>
    public static void Write(string html, string path) => AtomicFile.WriteText(path, html);

    private static string Render(string template, IReadOnlyDictionary<string, object?> model)
    {
        var parsed = Templates.GetOrAdd(template, static name => Parser.Parse(Resource(name + ".liquid")));
        var context = new TemplateContext(Options);
        context.SetValue("model", model);
        return parsed.Render(context, Encoder);
    }

    private static string Resource(string name)
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream("Crosshead.Reports." + name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
