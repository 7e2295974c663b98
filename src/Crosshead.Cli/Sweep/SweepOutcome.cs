using System.Text.Json;
using System.Text.Json.Serialization;
using Crosshead.Files;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Stores why a run of the grid did not finish: <c>outcome.json</c> in the run's folder.</summary>
internal sealed partial class SweepOutcome(string folder)
{
    private readonly string _path = Path.Combine(folder, "outcome.json");

    /// <summary>Reads the stored ending; null if there is none.</summary>
    /// <exception cref="CrossheadException">The file is damaged.</exception>
    public Ending? Read()
    {
        if (!File.Exists(_path)) return null;
        try
        {
            return JsonSerializer.Deserialize(InputFile.ReadText(_path), Format.Default.Ending);
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{_path}\" is damaged; remove it to try the run again.", e);
        }
    }

    /// <summary>Stores the ending.</summary>
    public void Write(RunStatus status, string reason) =>
        AtomicFile.WriteText(_path, JsonSerializer.Serialize(new Ending(status, reason), Format.Default.Ending) + "\n");

    /// <summary>Deletes the stored ending.</summary>
    public void Forget() => File.Delete(_path);

    /// <summary>How a run ended.</summary>
    /// <param name="Status">The status at the end.</param>
    /// <param name="Reason">The reason in one sentence.</param>
    internal sealed record Ending(RunStatus Status, string Reason);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
    [JsonSerializable(typeof(Ending))]
    private sealed partial class Format : JsonSerializerContext;
}
