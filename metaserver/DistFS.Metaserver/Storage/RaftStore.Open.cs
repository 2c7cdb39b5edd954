using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <content>Making and opening.</content>
public sealed partial class RaftStore
{
    /// <summary>Makes the store of a new member. The folder may have files of others, but none of a store.</summary>
    /// <param name="disk">The folder.</param>
    /// <param name="identity">Whose it is; no part of it may be zero.</param>
    /// <param name="bootstrap">
    /// The first configuration, the same in every member of a new cluster; empty in one that waits to be added.
    /// </param>
    /// <exception cref="StoreRefusedException">There is a store already.</exception>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public static void Format(IDisk disk, Identity identity, RaftConfiguration bootstrap)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(bootstrap);
        if (identity.Cluster.Value == 0 || identity.Member.Value == 0 || identity.Store.Value == 0)
        {
            throw new ArgumentException($"No part of an identity may be zero: {identity}.", nameof(identity));
        }

        var store = new StoreDisk(disk);
        var names = store.List();
        var isInterrupted = names.Contains(StoreFiles.Formatting) && !names.Contains(Identity.FileName);
        if (!isInterrupted && names.Any(StoreFiles.IsOurs))
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreExists, $"{disk.Name} has a metaserver's store. Choose another folder.");
        }

        using (var mark = store.Create(StoreFiles.Formatting))
        {
            mark.Sync();
        }

        store.SyncFolder();
        HardStateFile.Format(store, identity.Store);
        new LogBase(1, default, bootstrap).Write(store, identity.Store);

        // Last: a folder with an identity has everything else.
        identity.Write(store);
        store.Delete(StoreFiles.Formatting);
        store.SyncFolder();
    }

    /// <summary>Whether a folder has a store, which may be damaged.</summary>
    public static bool IsFormatted(IDisk disk)
    {
        var names = new StoreDisk(disk).List();
        return names.Contains(Identity.FileName)
            || (names.Any(StoreFiles.IsOurs) && !names.Contains(StoreFiles.Formatting));
    }

    /// <summary>
    /// Opens a store: finishes what a crash interrupted, and finds damage. What it shows is durable.
    /// </summary>
    /// <param name="disk">The folder.</param>
    /// <param name="options">How.</param>
    /// <param name="prng">Names snapshots.</param>
    /// <param name="expected">Whose store it must be; its store id may be zero for any. Null for anybody's.</param>
    /// <exception cref="StoreRefusedException">
    /// There is none, it is another's or of another format, or its member could break a promise with what is left of
    /// it.
    /// </exception>
    /// <exception cref="StoreFailedException">The disk failed or is full.</exception>
    public static RaftStore Open(IDisk disk, RaftStoreOptions options, Prng prng, Identity? expected = null)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(prng);
        if (options.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }

        var store = new StoreDisk(disk);
        var names = store.List();
        var identity = Identity.Read(store, names);
        RequireExpected(disk, identity, expected);
        foreach (var name in names)
        {
            if (name is StoreFiles.Formatting or StoreFiles.NewSnapshot || StoreFiles.IsTemporary(name))
            {
                store.Delete(name);
            }
        }

        return Open(store, identity, options, prng);
    }

    private static RaftStore Open(StoreDisk disk, Identity identity, RaftStoreOptions options, Prng prng)
    {
        var findings = new List<string>();
        HardStateFile? hard = null;
        RaftLogFiles? log = null;
        SnapshotFiles? snapshots = null;
        try
        {
            hard = HardStateFile.Open(disk, identity.Store);
            log = RaftLogFiles.Open(disk, identity.Store, options, hard, findings);
            snapshots = SnapshotFiles.Open(disk, log.Compacted, findings);
            if (snapshots.Newest is { } newest && newest.Last.Index > log.Compacted.Index && !log.Has(newest.Last))
            {
                // A snapshot is installed once it has its name; the log follows, now if a crash came between.
                findings.Add($"The log starts anew after {newest.Last}, the newest snapshot's.");
                log.Reset(newest.Last, newest.Configuration);
            }

            var incoming = IncomingFile.TryOpen(disk, findings);
            return new RaftStore(
                new Parts(disk, identity, hard, log, snapshots, incoming, findings), options, prng);
        }
        catch
        {
            snapshots?.Dispose();
            log?.Dispose();
            hard?.Dispose();
            throw;
        }
    }

    private static void RequireExpected(IDisk disk, Identity identity, Identity? expected)
    {
        if (expected != null && (expected.Cluster != identity.Cluster || expected.Member != identity.Member
            || (expected.Store.Value != 0 && expected.Store != identity.Store)))
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreForeign,
                $"{disk.Name} is the store of {identity}, but this process is {expected}. Point it at its own folder.");
        }
    }

    private sealed record Parts(
        StoreDisk Disk,
        Identity Identity,
        HardStateFile Hard,
        RaftLogFiles Log,
        SnapshotFiles Snapshots,
        IncomingFile? Incoming,
        IReadOnlyList<string> Findings);
}
