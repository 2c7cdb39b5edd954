using System.Text.Json.Serialization;

namespace DistFS.Cli.Local;

/// <summary>
/// The file <c>cluster.json</c> of a local cluster: for scripts that look for what there is, or kill it.
/// </summary>
/// <param name="Meta">Where the metaservers listen.</param>
/// <param name="Servers">Every process.</param>
/// <param name="Mount">Where it is mounted; null: nowhere.</param>
internal sealed record LocalClusterFile(string[] Meta, LocalNode[] Servers, string? Mount);

/// <summary>A process of a local cluster.</summary>
/// <param name="Role">metaserver, chunkserver, or embedded: both in one.</param>
/// <param name="Id">As the cluster calls it among those of its role.</param>
/// <param name="Pid">As it was started last.</param>
/// <param name="Address">Where it listens; an embedded one, as a metaserver.</param>
/// <param name="Data">Its data folder.</param>
/// <param name="Log">What it says.</param>
internal sealed record LocalNode(string Role, int Id, int Pid, string Address, string Data, string Log)
{
    /// <summary>Of a metaserver.</summary>
    public const string Metaserver = "metaserver";

    /// <summary>Of a chunk server.</summary>
    public const string Chunkserver = "chunkserver";

    /// <summary>Of a process that is a whole cluster.</summary>
    public const string Embedded = "embedded";
}

[JsonSerializable(typeof(LocalClusterFile))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
internal sealed partial class LocalClusterJson : JsonSerializerContext;
