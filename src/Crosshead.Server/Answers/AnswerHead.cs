using System.Text.Json;
using Crosshead.Server.Http;

namespace Crosshead.Server.Answers;

/// <summary>What every answer and every event of a stream begins with.</summary>
/// <param name="Id">The answer's own name.</param>
/// <param name="Kind">The kind of object.</param>
/// <param name="Created">Seconds since 1970.</param>
/// <param name="Model">The model's name.</param>
internal sealed record AnswerHead(string Id, string Kind, long Created, string Model)
{
    /// <summary>The head of a new answer.</summary>
    /// <param name="prefix">What its name begins with.</param>
    /// <param name="kind">The kind of object.</param>
    /// <param name="model">The model.</param>
    public static AnswerHead New(string prefix, string kind, ServedModel model) =>
        new(RequestId.New(prefix), kind, DateTimeOffset.UtcNow.ToUnixTimeSeconds(), model.Names[0]);

    /// <summary>Writes the members into an open object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("id", Id);
        json.WriteString("object", Kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", Model);
    }
}
