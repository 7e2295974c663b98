using Crosshead.Files;

namespace Crosshead.Data.Sources;

/// <summary>One file of training text.</summary>
/// <param name="Path">Its path, as given by the user or found in a given folder.</param>
/// <param name="Format">How it holds documents.</param>
/// <param name="Compression">How it is compressed.</param>
/// <param name="Bytes">Its length on the disk.</param>
/// <param name="Modified">When it was last written, UTC.</param>
public sealed record SourceFile(string Path, SourceFormat Format, SourceCompression Compression, long Bytes,
    DateTime Modified)
{
    private static readonly string[] TextExtensions = [".txt", ".text", ".md"];
    private static readonly string[] JsonExtensions = [".jsonl", ".ndjson"];

    /// <summary>
    /// Finds the files behind paths, folders (all files below with a known extension) and patterns (<c>*</c>,
    /// <c>?</c> within a name, <c>**</c> across folders), in the given order, within a folder in ordinal order, each
    /// file once.
    /// </summary>
    /// <param name="inputs">Paths, folders and patterns.</param>
    /// <exception cref="CrossheadException">An input is missing, matches nothing, or is an empty file.</exception>
    public static IReadOnlyList<SourceFile> Find(IReadOnlyList<string> inputs)
    {
        if (inputs.Count == 0)
            throw new CrossheadException(
                "no input was given; name text, JSONL or Parquet files, folders or patterns such as data/*.jsonl.gz.");
        var files = new List<SourceFile>();
        var seen = new HashSet<string>();
        foreach (var input in inputs)
            foreach (var path in PathsOf(input))
                if (seen.Add(System.IO.Path.GetFullPath(path)))
                    files.Add(Describe(path));
        return files;
    }

    /// <summary>Whether a file in a folder counts as text, by its extension.</summary>
    internal static bool IsKnown(string path)
    {
        var name = WithoutCompression(path, out _);
        return HasExtension(name, TextExtensions) || HasExtension(name, JsonExtensions)
            || HasExtension(name, ".parquet");
    }

    private static IReadOnlyList<string> PathsOf(string input)
    {
        if (input.Contains('\0'))
            throw new CrossheadException($"input \"{input.Shown()}\" holds a NUL, which no name of a file has; name a "
                + $"file, a folder or a pattern.");
        if (File.Exists(input))
            return [input];
        IReadOnlyList<string> found;
        if (Directory.Exists(input))
        {
            found = [.. Directory.EnumerateFiles(input, "*", new EnumerationOptions
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = true,
                AttributesToSkip = 0,
            }).Where(IsKnown).Order(StringComparer.Ordinal)];
            return found.Count > 0 ? found : throw new CrossheadException($"folder {input} has no .txt, .md, .jsonl or "
                + $".parquet file (each also .gz or .zst); name the files if they are called otherwise.");
        }
        if (!input.AsSpan().ContainsAny('*', '?'))
            throw new CrossheadException(
                $"input {input} does not exist; name a file, a folder or a pattern such as data/*.jsonl.gz.");
        found = GlobPattern.Expand(input);
        return found.Count > 0 ? found
            : throw new CrossheadException($"pattern {input} matches no file; check it with: ls {input}");
    }

    private static SourceFile Describe(string path)
    {
        var info = new FileInfo(InputFile.Regular(path, "save what it gives to a file and name that"));
        if (info.Length == 0)
            throw new CrossheadException($"{path} is empty (0 bytes); remove it from the inputs or get it again.");
        var name = WithoutCompression(path, out var compression);
        if (HasExtension(name, ".json"))
            throw new CrossheadException($"{path} is a .json file, which would be read as plain text; rows are read "
                + $"from JSONL, one object a line: rename it to .jsonl if it is that, otherwise convert it.");
        var format = HasExtension(name, ".parquet") ? SourceFormat.Parquet : HasExtension(name, JsonExtensions)
            ? SourceFormat.JsonLines : SourceFormat.Text;
        if (format == SourceFormat.Parquet && compression != SourceCompression.None)
            throw new CrossheadException($"{path} is a compressed Parquet file, which cannot be read in place; "
                + $"decompress it first (Parquet compresses its own columns).");
        return new SourceFile(path, format, compression, info.Length, info.LastWriteTimeUtc);
    }

    private static string WithoutCompression(string path, out SourceCompression compression)
    {
        compression = HasExtension(path, ".gz") ? SourceCompression.Gzip : HasExtension(path, ".zst")
            ? SourceCompression.Zstandard : SourceCompression.None;
        return compression == SourceCompression.None ? path : System.IO.Path.ChangeExtension(path, null);
    }

    private static bool HasExtension(string path, params ReadOnlySpan<string> extensions)
    {
        foreach (var extension in extensions)
            if (path.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }
}
