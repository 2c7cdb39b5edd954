using System.Security.Cryptography;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Storage;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// Makes the data folder of a member: the first of a new cluster, or one of a cluster that is asked for a place; or
/// finds whose it is already. It may be interrupted anywhere and begun again.
/// </summary>
internal static partial class MemberFolder
{
    private const string RaftFolder = "raft";

    // For a look at others: a start must not wait for those that are down as well.
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Opens the log of the member, which is made if the folder is new.</summary>
    /// <exception cref="DistFsException">It cannot be this member, or no member of that cluster; says why.</exception>
    public static async Task<RaftStore> OpenAsync(MetaserverOptions options, Prng prng, CancellationToken cancellation)
    {
        var disk = new PosixDisk(Path.Combine(options.DataFolder, RaftFolder));
        var join = options.Join.Where(address => address != options.Address).Distinct().ToList();
        if (options.Join.Count > 0 && join.Count == 0)
        {
            throw new DistFsException(
                ErrorCatalog.Configuration,
                $"--join names {options.Address}, which is this metaserver itself. Name another member, or leave it "
                + "out to begin a new cluster.");
        }

        if (!RaftStore.IsFormatted(disk))
        {
            await MakeAsync(disk, options, join, cancellation).ConfigureAwait(false);
        }

        LogOpening(options.Logger, options.DataFolder);
        var store = RaftStore.Open(disk, new RaftStoreOptions(), prng);
        try
        {
            JoinDraft.Remove(disk);
            await RequireOwnAsync(store, options, join, cancellation).ConfigureAwait(false);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private static async Task MakeAsync(
        PosixDisk disk, MetaserverOptions options, List<RpcAddress> join, CancellationToken cancellation)
    {
        if (Directory.Exists(Path.Combine(options.DataFolder, MetadataState.StateFolder)))
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreWiped,
                $"{options.DataFolder} has metadata but no log: its folder '{RaftFolder}' was lost. Bring it back, "
                + "or remove this member from the cluster and add a new one in an empty folder.");
        }

        var draft = JoinDraft.Find(disk);
        if (draft != null && join.Count == 0)
        {
            join = [.. draft.Join.Split(',').Select(RpcAddress.Parse)];
        }

        if (join.Count == 0)
        {
            var first = new Identity(
                new ClusterId(new UInt128(RandomNumber(), RandomNumber())),
                new MemberId(1),
                new StoreId(RandomNumber()));
            RaftStore.Format(
                disk, first, new RaftConfiguration([new RaftMember(first.Member, first.Store, $"{options.Address}")]));
            return;
        }

        draft = new JoinDraft(draft?.Store ?? new StoreId(RandomNumber()), string.Join(',', join));
        draft.Write(disk);
        var identity = await JoinAsync(draft.Store, options, join, cancellation).ConfigureAwait(false);
        RaftStore.Format(disk, identity, RaftConfiguration.Empty);
    }

    private static async Task<Identity> JoinAsync(
        StoreId store, MetaserverOptions options, List<RpcAddress> join, CancellationToken cancellation)
    {
        var cluster = string.Join(", ", join);
        LogJoining(options.Logger, options.Address, cluster);
        var client = new AdminClient(join);
        await using (client.ConfigureAwait(false))
        {
            try
            {
                var reply = await client.JoinAsync(
                    new JoinRequest
                    {
                        Version = AdminService.Version,
                        Store = store.Value,
                        Address = $"{options.Address}",
                    },
                    options.JoinTimeout,
                    cancellation).ConfigureAwait(false);
                return new Identity(
                    new ClusterId(new UInt128(reply.ClusterHigh, reply.ClusterLow)), new MemberId(reply.Member), store);
            }
            catch (RpcException e) when (AdminClient.IsPassing(e.Code))
            {
                throw new DistFsException(
                    ErrorCatalog.JoinFailed,
                    $"No leader was found in {options.JoinTimeout.TotalSeconds:0} s at {cluster}. The "
                    + $"last answer: {e.Message}",
                    e);
            }
        }
    }

    /// <summary>
    /// That the folder is of the cluster that it shall join, and no copy of one whose member runs elsewhere. Who does
    /// not answer is no hindrance: all may be starting.
    /// </summary>
    private static async Task RequireOwnAsync(
        RaftStore store, MetaserverOptions options, List<RpcAddress> join, CancellationToken cancellation)
    {
        var identity = store.Identity;
        foreach (var address in join)
        {
            if (await LookAsync(address, identity.Member, cancellation).ConfigureAwait(false) is { } reply)
            {
                var cluster = new ClusterId(new UInt128(reply.ClusterHigh, reply.ClusterLow));
                if (cluster != identity.Cluster)
                {
                    throw new StoreRefusedException(
                        ErrorCatalog.ClusterForeign,
                        $"{options.DataFolder} is of cluster {identity.Cluster}, but {address} is of {cluster}. To "
                        + "join that one, start with an empty folder.");
                }

                break;
            }
        }

        var known = store.ConfigurationAt(store.Last.Index).Find(identity.Member);
        if (known != null && known.Address != $"{options.Address}" && RpcAddress.TryParse(known.Address, out var usual)
            && await LookAsync(usual, default, cancellation).ConfigureAwait(false) is { } other
            && other.Store == identity.Store.Value)
        {
            throw new StoreRefusedException(
                ErrorCatalog.MemberTwice,
                $"Metaserver {identity.Member} with this data folder's id runs at {usual} already.");
        }
    }

    private static async Task<MembersReply?> LookAsync(
        RpcAddress address, MemberId member, CancellationToken cancellation)
    {
        var client = new AdminClient([address]);
        await using (client.ConfigureAwait(false))
        {
            try
            {
                return await client.AskAsync(address, member, LookTimeout, cancellation).ConfigureAwait(false);
            }
            catch (RpcException)
            {
                // Nobody is there, or nobody who can tell.
                return null;
            }
        }
    }

    private static ulong RandomNumber()
    {
        ulong number;
        do
        {
            number = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        }
        while (number == 0);
        return number;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Opens the log in {Folder}.")]
    private static partial void LogOpening(ILogger logger, string folder);

    [LoggerMessage(Level = LogLevel.Information, Message = "Metaserver {Address} asks to join the cluster at {Join}.")]
    private static partial void LogJoining(ILogger logger, RpcAddress address, string join);
}
