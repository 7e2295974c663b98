using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml;

namespace Crosshead.Data.Corpora;

/// <summary>
/// English text that is available on every machine with the .NET SDK: the XML documentation of its reference packs,
/// cleaned to prose. A document describes one type, or a part of a long type. It has the type's name, the summary, and
/// the members with their parameters, results and exceptions. Repeated sentences are left out, even if their numbers
/// differ.
/// </summary>
public sealed class ReferencePackCorpus
{
    /// <summary>
    /// Length in characters from which a document ends at the next member. The length is a few contexts, so that a
    /// held-out split by document stays fine-grained.
    /// </summary>
    internal const int DocumentLength = 3000;

    // A shorter document has only a name and half a sentence.
    private const int ShortestDocument = 100;

    private ReferencePackCorpus(IReadOnlyList<string> files) => Files = files;

    /// <summary>The documentation files, in the order in which they are read.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Finds the newest version of each reference pack on this machine.</summary>
    /// <exception cref="CrossheadException">No pack with documentation was found; the message names the searched
    /// folders.</exception>
    public static ReferencePackCorpus Find() => Find(ReferencePacks.Folders());

    internal static ReferencePackCorpus Find(IReadOnlyList<string> folders)
    {
        var files = ReferencePacks.Files(folders);
        return files.Count > 0 ? new ReferencePackCorpus(files) : throw new CrossheadException(
            $"no .NET reference pack with XML documentation found in {string.Join(", ", folders)}; install the .NET "
                + $"SDK, set DOTNET_ROOT to its folder, or use {MessageTerm.Text}.");
    }

    /// <summary>Reads the documents. The same packs always give the same documents in the same order.</summary>
    /// <param name="maxBytes">Limit for all documents together, in bytes of UTF-8. The document that reaches the limit
    /// is the last.</param>
    /// <exception cref="CrossheadException"><paramref name="maxBytes"/> is below 1, or a file is not readable
    /// XML.</exception>
    public IEnumerable<string> Documents(long maxBytes = long.MaxValue) => maxBytes >= 1
        ? Read(maxBytes)
        : throw new CrossheadException($"maxBytes ({maxBytes}) must be at least 1.");

    private IEnumerable<string> Read(long maxBytes)
    {
        var said = new HashSet<ulong>();
        var seen = new HashSet<ulong>();
        var bytes = 0L;
        foreach (var file in Files)
        {
            var content = Load(file);
            // The ASP.NET pack repeats the files of the base pack.
            if (!seen.Add(XxHash64.HashToUInt64(content))) continue;
            foreach (var type in Types(file, content))
                foreach (var document in Documents(type.Key, type.Value, said))
                {
                    yield return document;
                    bytes += Encoding.UTF8.GetByteCount(document);
                    if (bytes >= maxBytes) yield break;
                }
        }
    }

    private static byte[] Load(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read the documentation file {file}: {e.Reason()}; make it readable "
                + $"or use {MessageTerm.Text}.", e);
        }
    }

    // The members of a file, grouped by type. Types and members are in the order of their first occurrence.
    private static OrderedDictionary<string, List<DocumentedMember>> Types(string file, byte[] content)
    {
        var types = new OrderedDictionary<string, List<DocumentedMember>>(StringComparer.Ordinal);
        try
        {
            foreach (var member in DocumentedMember.ReadAll(new MemoryStream(content)))
            {
                var type = MemberName.TypeOf(member.Name);
                if (!types.TryGetValue(type, out var members)) types.Add(type, members = []);
                members.Add(member);
            }
        }
        catch (XmlException e)
        {
            throw new CrossheadException($"{file} is not readable XML (line {e.LineNumber}: {e.Reason()}); repair the "
                + $".NET SDK or use {MessageTerm.Text}.", e);
        }
        return types;
    }

    private static IEnumerable<string> Documents(string type, List<DocumentedMember> members, HashSet<ulong> said)
    {
        var text = new StringBuilder();
        foreach (var member in members)
        {
            var lines = member.Lines.Where(line => said.Add(Fingerprint(line.Text))).ToList();
            if (lines.Count == 0) continue; // an overload that says nothing of its own
            if (text.Length == 0) text.Append(type).Append('\n');
            text.Append('\n').Append(member.Name.StartsWith("T:", StringComparison.Ordinal) ? ""
                : MemberName.Heading(member.Name) + "\n");
            foreach (var line in lines) text.Append(line.Label).Append(line.Text).Append('\n');
            if (text.Length < DocumentLength) continue;
            yield return text.ToString();
            text.Clear();
        }
        if (text.Length >= ShortestDocument) yield return text.ToString();
    }

    // Hashes only letters, so that "a 16-bit value" and "a 32-bit value" count as the same sentence.
    private static ulong Fingerprint(string text)
    {
        Span<char> letters = text.Length <= 1024 ? stackalloc char[text.Length] : new char[text.Length];
        var count = 0;
        foreach (var c in text)
            if (char.IsLetter(c)) letters[count++] = char.ToLowerInvariant(c);
        return XxHash64.HashToUInt64(MemoryMarshal.AsBytes(letters[..count]));
    }
}
