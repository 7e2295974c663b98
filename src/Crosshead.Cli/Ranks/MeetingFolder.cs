using System.Net.Sockets;

namespace Crosshead.Cli.Ranks;

/// <summary>A folder of the user's alone, among the temporary files, where ranks find each other by sockets.</summary>
internal static class MeetingFolder
{
    private const string LongestName = "1023.new"; // of the last of as many ranks as there may be

    /// <summary>Makes an empty one.</summary>
    /// <exception cref="CrossheadException">Temporary files cannot be written, or their folder has too long a name.
    /// </exception>
    public static DirectoryInfo Create()
    {
        DirectoryInfo? folder = null;
        try
        {
            folder = Directory.CreateTempSubdirectory("crosshead-");
            _ = new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, LongestName));
            return folder;
        }
        catch (ArgumentOutOfRangeException) when (folder is not null)
        {
            folder.Delete();
            throw Unusable("its name is too long for sockets");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(Directory.Exists(Path.GetTempPath()) ? "it cannot be written to" : "it does not exist");
        }
    }

    private static CrossheadException Unusable(string why) => new(
        $"the ranks cannot meet in \"{Path.GetTempPath()}\": {why}; set TMPDIR to a folder that can be written to and "
            + "has a short name.");
}
