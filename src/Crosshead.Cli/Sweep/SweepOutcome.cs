using System.Text.Json;
using System.Text.Json.Serialization;
using Crosshead.Files;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Why a run of the grid did not finish, kept in its folder: <c>outcome.json</c>.</summary>
internal sealed partial class SweepOutcome(string folder)
{
    private readonly string _path = Path.Combine(folder, "outcome.json");

    /// <summary>What was kept; null where nothing was.</summary>
    /// <exception cref="CrossheadException">The file is damaged.</exception>
    public Ending? Read()
    {
        if (!File.Exists(_path)) return null;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(_path), Format.Default.Ending);
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{_path}\" is damaged; remove it to try the run again.", e);
        }
    }

    /// <summary>Keeps it.</summary>
    public void Write(RunStatus status, string reason) =>
        AtomicFile.WriteText(_path, JsonSerializer.Serialize(new Ending(status, reason), Format.Default.Ending) + "\n");

    /// <summary>Forgets it.</summary>
    public void Forget() => File.Delete(_path);

    /// <summary>How a run ended.</summary>
    /// <param name="Status">In a word.</param>
    /// <param name="Reason">In a sentence.</param>
    internal sealed record Ending(RunStatus Status, string Reason);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
    [JsonSerializable(typeof(Ending))]
    private sealed partial class Format : JsonSerializerContext;
}
