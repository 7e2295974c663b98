namespace Crosshead.Evaluation;

/// <summary>What models are called beside each other: as short as tells them apart.</summary>
internal static class ModelNames
{
    /// <summary>The last part of each folder's path, or as many of the last parts as make all different.</summary>
    /// <exception cref="CrossheadException">A folder is named twice.</exception>
    public static string[] Of(IReadOnlyList<string> folders)
    {
        string[][] parts = [.. folders.Select(
            f => Path.GetFullPath(f).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))];
        if (parts.GroupBy(p => string.Join('/', p)).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new CrossheadException($"the model \"/{twice.Key}\" is named {twice.Count()} times; a comparison "
                + $"with itself says nothing, name each model once.");
        for (var last = 1; ; last++)
        {
            string[] names = [.. parts.Select(p => string.Join('/', p.TakeLast(last)))];
            if (names.Distinct().Count() == names.Length) return names;
        }
    }
}
