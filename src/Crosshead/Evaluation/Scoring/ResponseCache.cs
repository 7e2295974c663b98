using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// The answers of a model, kept on disk, so that an interrupted evaluation continues where it stopped. There is one
/// file per model, precision and kind of device, with one line per response. A hash of the request's tokens is its key.
/// </summary>
public sealed class ResponseCache : IDisposable
{
    private readonly Dictionary<UInt128, RequestScore> _scores = [];
    private readonly Dictionary<UInt128, WrittenAnswer> _answers = [];
    private readonly FileStream _file;
    private readonly string _path;
    private bool _failed;

    /// <summary>
    /// Opens a cache, and creates its folder if it does not exist. An incomplete last line of a killed process is cut.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CrossheadException">Another process writes it, it cannot be written, or it holds something
    /// else.</exception>
    public ResponseCache(string path)
    {
        _path = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException(
                $"the cache of responses \"{_path}\" cannot be opened: {e.Reason()}; name another folder "
                + $"with {MessageTerm.ResponseCache}, or use {MessageTerm.NoResponseCache}.", e);
        }
        try
        {
            _file.SetLength(Read());
            _file.Seek(0, SeekOrigin.End);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Responses known.</summary>
    public int Count => _scores.Count + _answers.Count;

    /// <summary>The key of a request.</summary>
    public static UInt128 KeyOf(ScoringRequest request) => KeyOf(request.Tokens, $"{request.Predicted}");

    /// <summary>The key of a prompt continued under given settings.</summary>
    public static UInt128 KeyOf(ReadOnlySpan<int> tokens, string settings)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(tokens));
        hash.Append(Encoding.UTF8.GetBytes(settings));
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>The score of a request, if it is known.</summary>
    public bool TryGetScore(UInt128 key, out RequestScore score) => _scores.TryGetValue(key, out score);

    /// <summary>The answer to a prompt, if it is known.</summary>
    public bool TryGetAnswer(UInt128 key, out WrittenAnswer answer) => _answers.TryGetValue(key, out answer);

    /// <summary>Keeps a score. It survives the end of this process once <see cref="Flush"/> returns.</summary>
    public void Add(UInt128 key, RequestScore score)
    {
        if (_scores.TryAdd(key, score))
            Append(key, new JsonObject { ["logLikelihood"] = Exact(score.LogLikelihood), ["greedy"] = score.Greedy });
    }

    /// <summary>Keeps an answer; as <see cref="Add(UInt128, RequestScore)"/>.</summary>
    public void Add(UInt128 key, WrittenAnswer answer)
    {
        if (_answers.TryAdd(key, answer)) Append(key, new JsonObject { ["text"] = answer.Text, ["cut"] = answer.Cut });
    }

    /// <summary>Hands all additions to the operating system.</summary>
    /// <exception cref="CrossheadException">The disk is full.</exception>
    public void Flush() => Guard(_file.Flush);

    /// <inheritdoc/>
    /// <exception cref="CrossheadException">The disk is full, and this has not been reported yet.</exception>
    public void Dispose() => Guard(_file.Dispose);

    private void Append(UInt128 key, JsonObject response)
    {
        response.Insert(0, "key", key.ToString("x32"));
        var line = Encoding.UTF8.GetBytes(response.ToJsonString() + "\n");
        Guard(() => _file.Write(line));
    }

    // JSON has no NaN and no infinity, but a broken model gives such values.
    private static JsonNode Exact(double value) =>
        double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create($"{value}");

    private static double Number(JsonNode node) => node.GetValueKind() == JsonValueKind.String
        ? double.Parse(node.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture)
        : node.GetValue<double>();

    // Returns the length of the complete lines.
    private long Read()
    {
        var (whole, number) = (0L, 0);
        foreach (var line in Lines())
        {
            number++;
            try
            {
                var entry = JsonNode.Parse(line, null, ConfigurationJson.Strict)!.AsObject();
                var key = UInt128.Parse(entry["key"]!.GetValue<string>(), System.Globalization.NumberStyles.HexNumber,
                    System.Globalization.CultureInfo.InvariantCulture);
                if (entry["text"] is { } text)
                    _answers[key] = new WrittenAnswer(text.GetValue<string>(), entry["cut"]?.GetValue<bool>() ?? false);
                else
                    _scores[key] = new RequestScore(Number(entry["logLikelihood"]!), entry["greedy"]!.GetValue<bool>());
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException
                or FormatException or OverflowException)
            {
                throw new CrossheadException($"\"{_path}\", line {number}, is not a response that was kept: "
                    + $"{Encoding.UTF8.GetString(line).Shown()}; delete the file, or name another folder with "
                    + $"{MessageTerm.ResponseCache}.", e);
            }
            whole += line.Length + 1;
        }
        return whole;
    }

    // Complete lines, as bytes, because the cut needs lengths in bytes.
    private IEnumerable<byte[]> Lines()
    {
        var line = new List<byte>();
        for (var value = _file.ReadByte(); value >= 0; value = _file.ReadByte()) // from the stream's own buffer
        {
            if (value != '\n')
            {
                line.Add((byte)value);
                continue;
            }
            yield return [.. line];
            line.Clear();
        }
    }

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            if (_failed) return; // what waits to be written is tried again, and fails again, when the file is closed
            _failed = true;
            throw new CrossheadException($"\"{_path}\" cannot be written: {e.Reason()}; free space, name "
                + $"another folder with {MessageTerm.ResponseCache}, or use {MessageTerm.NoResponseCache}.", e);
        }
    }
}
