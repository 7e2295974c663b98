using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml;

namespace Crosshead.Data.Corpora;

/// <summary>
/// English text that every machine with the .NET SDK has: the XML documentation of its reference packs, cleaned to
/// prose. A document is about one type, or a part of a long one: its name, its summary, then its members with what they
/// take, return and throw. Sentences said before, elsewhere or with other numbers, are left out.
/// </summary>
public sealed class ReferencePackCorpus
{
    /// <summary>
    /// Documents end at the next member once they are this long, in characters: a few contexts, so that a held-out
    /// split by document stays fine.
    /// </summary>
    internal const int DocumentLength = 3000;

    // What is shorter is a name with half a sentence.
    private const int ShortestDocument = 100;

    private ReferencePackCorpus(IReadOnlyList<string> files) => Files = files;

    /// <summary>The documentation files that are read, in the order in which they are read.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Finds the newest version of each reference pack on this machine.</summary>
    /// <exception cref="CrossheadException">No pack with documentation is found; the message names the folders looked
    /// in.</exception>
    public static ReferencePackCorpus Find() => Find(ReferencePacks.Folders());

    internal static ReferencePackCorpus Find(IReadOnlyList<string> folders)
    {
        var files = ReferencePacks.Files(folders);
        return files.Count > 0 ? new ReferencePackCorpus(files) : throw new CrossheadException(
            $"no .NET reference pack with XML documentation found in {string.Join(", ", folders)}; install the .NET "
                + $"SDK, set DOTNET_ROOT to its folder, or use {MessageTerm.Text}.");
    }

    /// <summary>
    /// Reads the documents, always the same ones in the same order for the same packs.
    /// </summary>
    /// <param name="maxBytes">Ends with the first document that reaches so many bytes of UTF-8 in all.</param>
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
            throw new CrossheadException($"cannot read the documentation file {file}: {e.Message} Make it readable or "
                + $"use {MessageTerm.Text}.", e);
        }
    }

    // The members of a file by their type, types and members in the order in which they first stand there.
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
            throw new CrossheadException($"{file} is not readable XML (line {e.LineNumber}: {e.Message}); repair the "
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

    // Letters alone, so that "a 16-bit value" and "a 32-bit value" count as said once.
    private static ulong Fingerprint(string text)
    {
        Span<char> letters = text.Length <= 1024 ? stackalloc char[text.Length] : new char[text.Length];
        var count = 0;
        foreach (var c in text)
            if (char.IsLetter(c)) letters[count++] = char.ToLowerInvariant(c);
        return XxHash64.HashToUInt64(MemoryMarshal.AsBytes(letters[..count]));
    }
}
