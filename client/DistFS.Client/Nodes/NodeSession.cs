using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Nodes;

/// <summary>
/// A session of <see cref="DistFsNodes"/>, in which leases and numbers of inodes were given: what was changed under
/// them is sent in it, or not at all.
/// </summary>
public sealed class NodeSession
{
    /// <summary>Most changes of one request.</summary>
    public const int ChangesMax = 512;

    /// <summary>For so long nobody may lead; then what was to be sent is lost, and told to be.</summary>
    private static readonly TimeSpan ApplyPatience = TimeSpan.FromHours(1);

    private readonly ClientSession _session;

    internal NodeSession(ClientSession session) => _session = session;

    /// <summary>It is over: so are its leases.</summary>
    public bool IsEnded => _session.IsEnded;

    /// <summary>Whether something was opened in it.</summary>
    public bool Has(NodeOpen open)
    {
        ArgumentNullException.ThrowIfNull(open);
        return ReferenceEquals(open.Handle.Session, _session);
    }

    /// <summary>Numbers for new inodes.</summary>
    /// <param name="count">64 to 65,536.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The first of them; they follow each other.</returns>
    /// <exception cref="DistFsException">Nobody answers, the session is over, or has too many.</exception>
    public async Task<InodeId> ReserveInodesAsync(int count, CancellationToken cancellation)
    {
        var request = new MutateRequest();
        request.Operations.Add(new Operation { ReserveInodes = new ReserveInodesRequest { Count = (uint)count } });
        var reply = (await _session.MutateAsync(request, cancellation).ConfigureAwait(false))[0];
        return reply.Status == 0 ? new InodeId(reply.Inodes.First)
            : throw new DistFsException(
                ErrorCatalog.FileRefused, "Numbers for new inodes.", null, (FsStatus)reply.Status);
    }

    /// <summary>Makes changes, in their order, each for itself; asked for until it is answered.</summary>
    /// <param name="changes">1 to <see cref="ChangesMax"/>.</param>
    /// <param name="cancellation">Gives up; whether they were made is not known then.</param>
    /// <returns>What became of each. Those behind the last were not made, and are to be sent again.</returns>
    /// <exception cref="DistFsException">The session is over: what was not answered is lost.</exception>
    public async Task<IReadOnlyList<FsStatus>> ApplyAsync(
        IReadOnlyList<NodeChange> changes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(changes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(changes.Count, ChangesMax);
        var request = new MutateRequest();
        request.Operations.Add(changes.Select(static change => change.Operation));
        var replies = await _session.MutateAsync(request, ApplyPatience, cancellation).ConfigureAwait(false);
        return [.. replies.Select(static reply => (FsStatus)reply.Status)
            .TakeWhile(static status => status != FsStatus.TryAgain)];
    }
}
