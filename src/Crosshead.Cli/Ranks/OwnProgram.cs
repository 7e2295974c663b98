using System.Reflection;

namespace Crosshead.Cli.Ranks;

/// <summary>How to start a program of this project once more.</summary>
/// <param name="Program">The file to start.</param>
/// <param name="Arguments">Arguments before those of the command line.</param>
internal sealed record OwnProgram(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>
    /// The command line: with its own host, or with dotnet and the program's library. Dotnet is needed if dotnet
    /// started this process, or if another program hosts the library.
    /// </summary>
    public static OwnProgram CommandLine { get; } = Of(typeof(OwnProgram).Assembly);

    /// <summary>A program by its library.</summary>
    /// <param name="library">The library.</param>
    /// <param name="arguments">Arguments before those of the command line.</param>
    public static OwnProgram Of(Assembly library, params string[] arguments)
    {
        var host = Environment.ProcessPath;
        var isDotnet = Path.GetFileNameWithoutExtension(host) == "dotnet";
        if (host is not null && !isDotnet && Assembly.GetEntryAssembly() == library) return new(host, arguments);
        return new(isDotnet ? host! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", library.Location, .. arguments]);
    }
}
