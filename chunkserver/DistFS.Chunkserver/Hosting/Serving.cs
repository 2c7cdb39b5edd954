using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Data;
using DistFS.Primitives;

namespace DistFS.Chunkserver.Hosting;

/// <summary>Who this server is, and whether it may serve: what the data path asks for each call.</summary>
/// <param name="self">Its id; zero before it has one.</param>
/// <param name="lease">For how long it may serve.</param>
internal sealed class Serving(Func<ServerId> self, ServingLease lease) : IServing
{
    /// <inheritdoc/>
    public ServerId Self => self();

    /// <inheritdoc/>
    public bool IsServing => lease.IsServing;

    /// <summary>For how long it may serve.</summary>
    public ServingLease Lease => lease;
}
