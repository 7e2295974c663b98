using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// Reads task files strictly: no unknown key, no value of another kind, no template that cannot be rendered.
/// </summary>
internal static class TaskFile
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { JsonForm.KeepSettable } },
    };

    private static readonly JsonForm Form = new("task", "docs/tasks.md", Schema()) { OneForList = true };

    /// <summary>The task that a file describes.</summary>
    public static EvaluationTask Read(string path)
    {
        try
        {
            return Parse(InputFile.ReadText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the task file {path} cannot be read: {e.Reason()}; name another.", e);
        }
    }

    /// <summary>The task that a text describes; errors call it <paramref name="source"/>.</summary>
    public static EvaluationTask Parse(string json, string source)
    {
        var document = Form.Parse(json, source);
        Form.Check(document, source);
        var task = JsonForm.Bind<EvaluationTask>(document, Options, source);
        TaskRules.Check(task, source);
        _ = new TaskTemplates(task, source);
        return task;
    }

    // Closed, and without null: a key that says nothing is left out.
    private static JsonObject Schema() => Options.GetJsonSchemaAsNode(typeof(EvaluationTask), new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (_, node) =>
        {
            if (node["type"] is JsonArray types)
                node["type"] = types.First(t => t!.GetValue<string>() != "null")!.DeepClone();
            return node;
        },
    }).AsObject();
}
