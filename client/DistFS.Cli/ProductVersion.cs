using System.Reflection;

namespace DistFS.Cli;

/// <summary>What was built: the version and the commit that the build wrote into the assembly.</summary>
/// <param name="Version">"0.1.0".</param>
/// <param name="Commit">The full hash, or empty where the build knew none.</param>
internal sealed record ProductVersion(string Version, string Commit)
{
    /// <summary>Of this tool.</summary>
    public static ProductVersion Current => Parse(
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion);

    /// <summary>Reads "0.1.0+0ff298b…", the form of the SDK.</summary>
    public static ProductVersion Parse(string informational)
    {
        ArgumentNullException.ThrowIfNull(informational);
        var plus = informational.IndexOf('+', StringComparison.Ordinal);
        return plus < 0
            ? new ProductVersion(informational, "")
            : new ProductVersion(informational[..plus], informational[(plus + 1)..]);
    }
}
