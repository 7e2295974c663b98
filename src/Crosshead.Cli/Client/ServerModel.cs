using System.Text.Json.Nodes;

namespace Crosshead.Cli.Client;

/// <summary>A model that a server offers.</summary>
/// <param name="Name">The name that requests state.</param>
/// <param name="Context">Most tokens of a prompt with its answer; null if the server does not tell.</param>
internal sealed record ServerModel(string Name, int? Context)
{
    /// <summary>Finds the model that requests go to.</summary>
    /// <param name="client">The server.</param>
    /// <param name="name">The name of the model; null for the server's first.</param>
    /// <param name="cancellation">Ends the request.</param>
    /// <exception cref="CrossheadException">The server cannot be reached, or offers no model.</exception>
    public static async Task<ServerModel> Find(ServerClient client, string? name, CancellationToken cancellation)
    {
        JsonObject answer;
        try
        {
            answer = await client.Ask(client.Address.Versioned("/models"), null, cancellation).ConfigureAwait(false);
        }
        catch (ServerException) when (name is not null)
        {
            return new ServerModel(name, null); // a server need not list its models
        }
        var models = ((answer["data"] as JsonArray) ?? []).OfType<JsonObject>()
            .Where(m => m["id"] is JsonValue id && id.TryGetValue(out string? _)).Select(Read).ToArray();
        if (name is null)
            return models.FirstOrDefault() ?? throw new CrossheadException(
                $"\"{client.Address}\" names no model; name one with --model.");
        // A server may accept names that it does not list.
        return models.FirstOrDefault(m => m.Name == name) ?? new ServerModel(name, null);
    }

    private static ServerModel Read(JsonObject model)
    {
        var meta = model["meta"] as JsonObject;
        return new ServerModel((string)model["id"]!, Count(model["max_model_len"]) ?? Count(meta?["n_ctx_train"]));
    }

    private static int? Count(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out int count) && count > 0 ? count : null;
}
