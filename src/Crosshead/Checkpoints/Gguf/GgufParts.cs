using System.Globalization;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// A model in several files, <c>name-00001-of-00003.gguf</c> and so on. The first holds the metadata of the model.
/// </summary>
internal static class GgufParts
{
    private const string NumberKey = "split.no", CountKey = "split.count", TensorsKey = "split.tensors.count";

    /// <summary>Opens all files of a model and checks that they belong together.</summary>
    /// <param name="path">The only file, or the first of several.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or the files do not belong
    /// together.</exception>
    public static IReadOnlyList<GgufFile> Open(string path)
    {
        var files = new List<GgufFile>();
        try
        {
            files.Add(GgufFile.Open(path));
            var count = Number(files[0], CountKey) ?? 1;
            foreach (var part in Names(path, count).Skip(1)) files.Add(GgufFile.Open(part));
            if (files.Count > 1) RequireTogether(files);
            return files;
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }

    /// <summary>Adds the keys of one of several files.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="index">Its index.</param>
    /// <param name="count">Number of files.</param>
    /// <param name="tensors">Number of tensors in all of them.</param>
    public static void Describe(GgufWriter writer, int index, int count, int tensors)
    {
        writer.Add(NumberKey, checked((ushort)index));
        writer.Add(CountKey, checked((ushort)count));
        writer.Add(TensorsKey, tensors);
    }

    private static string[] Names(string path, long count)
    {
        if (PartName(path) is not var (stem, number, named))
            return count == 1 ? [path] : throw new CrossheadException($"\"{path}\" is one of {count} files "
                + $"({CountKey}); name the first of them, as name-00001-of-{count:00000}.gguf, with the others beside "
                + "it.");
        if (named != count)
            throw new CrossheadException($"\"{path}\" is one of {named} files by its name and of {count} by its key "
                + $"{CountKey}; both must be equal.");
        string[] names = [.. Enumerable.Range(1, named).Select(n => $"{stem}-{n:00000}-of-{named:00000}.gguf")];
        if (number != 1)
            throw new CrossheadException($"\"{path}\" is not the first of {count} files; name \"{names[0]}\".");
        ErrorList.Throw(names.Where(name => !File.Exists(name)), name => $"\"{name}\"",
            missing => $"\"{path}\" is one of {count} files, of which some are missing: {missing}; get them again.");
        return names;
    }

    private static void RequireTogether(List<GgufFile> files)
    {
        for (var i = 0; i < files.Count; i++)
        {
            Require(files[i], NumberKey, i);
            Require(files[i], CountKey, files.Count);
        }
        Require(files[0], TensorsKey, files.Sum(f => f.Header.Tensors.Count));
    }

    private static void Require(GgufFile file, string key, long wanted)
    {
        if (Number(file, key) is var number && number != wanted)
            throw new CrossheadException($"\"{file.Path}\": the key {key} is {number?.ToString() ?? "absent"}; as one "
                + $"of these files it must be {wanted}; get the files again.");
    }

    private static long? Number(GgufFile file, string key) => file.Header.Metadata.Integer(key);

    // What a name such as stem-00001-of-00003.gguf says; null for other names.
    private static (string Stem, int Number, int Count)? PartName(string path)
    {
        const string form = "-00001-of-00003", ending = ".gguf";
        return path.EndsWith(ending, StringComparison.Ordinal) && path[..^ending.Length].Split('-') is
            [_, .., { Length: 5 } number, "of", { Length: 5 } count]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var files)
            ? (path[..^(form.Length + ending.Length)], index, files) : null;
    }
}
