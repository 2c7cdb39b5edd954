using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Chunks;

/// <summary>Repair: copies come and go.</summary>
public sealed class ReplicaChangesTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly ChunkId _chunk;

    public ReplicaChangesTests()
    {
        _file = _files.FileOf("f", 100);
        _chunk = _files.Place(_file, 0).Chunk;
    }

    [Fact]
    public void A_copy_is_added_at_the_end_of_the_chain_once()
    {
        Ok(_files.Change(_chunk, 4, add: true));
        Ok(_files.Change(_chunk, 4, add: true));
        Assert.Equal([1u, 2u, 3u, 4u], _files.Row(_chunk).Replicas.ToArray().Select(server => server.Value));
        Assert.Equal((1u, _files.Fs.Index), (_files.Row(_chunk).Version.Value, _files.Row(_chunk).ChangedAt));
        _files.Sound();
    }

    [Fact]
    public void One_that_goes_is_garbage_and_the_version_grows()
    {
        Ok(_files.Change(_chunk, 2, add: false));
        Assert.Equal([1u, 3u], _files.Row(_chunk).Replicas.ToArray().Select(server => server.Value));
        Assert.Equal((2u, 100u, 1u),
            (_files.Row(_chunk).Version.Value, _files.Row(_chunk).Length, _files.Row(_chunk).Written.Value));
        Ok(_files.Change(_chunk, 2, add: false));
        Assert.Equal(2u, _files.Row(_chunk).Version.Value);
        _files.Sound();

        // It comes back only when what it had is deleted: the order to do so must not meet the new copy.
        Assert.Equal(FsStatus.Busy, _files.Change(_chunk, 2, add: true));
        Ok(_files.Confirm(2, _chunk));
        Ok(_files.Change(_chunk, 2, add: true));
        _files.Sound();
    }

    [Fact]
    public void The_last_copy_that_is_up_stays()
    {
        Ok(_files.Change(_chunk, 2, add: false));
        Ok(_files.SetState(1, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false));
        Ok(_files.Change(_chunk, 1, add: false));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false));
        _files.Sound();
    }

    /// <summary>What a server has is not known before its inventory is through.</summary>
    [Fact]
    public void A_server_that_has_just_come_back_is_nobodys_reason_to_give_up_a_copy()
    {
        Ok(_files.Change(_chunk, 3, add: false));
        Ok(_files.Register(2));
        Assert.Equal(FsStatus.TryAgain, _files.Change(_chunk, 1, add: false));
        Ok(_files.EndInventory(2));
        Ok(_files.Change(_chunk, 1, add: false));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 2, add: false));
        _files.Sound();
    }

    /// <summary>It stays the chunk's server, and is nobody's reason to give up what another has.</summary>
    [Fact]
    public void A_loss_that_is_refused_is_noted()
    {
        Ok(_files.Change(_chunk, 3, add: false));
        Ok(_files.SetState(2, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false));
        Assert.Equal(0, _files.Row(_chunk).Lacking);
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Assert.Equal((true, _files.Fs.Index), (Lacks(1), _files.Row(_chunk).ChangedAt));

        // Told again, nothing changes: what was looked at since then is evidence.
        var row = _files.Row(_chunk);
        _files.Fs.File(InodeId.Root, "later");
        Assert.NotEqual(row.ChangedAt, _files.Fs.Index);
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Assert.Equal(row.ChangedAt, _files.Row(_chunk).ChangedAt);

        // The other is back, and it is the only one: neither repair nor a writer gives it up.
        Ok(_files.Register(2));
        Assert.Equal(FsStatus.TryAgain, _files.Change(_chunk, 1, add: false, lost: true));
        Ok(_files.EndInventory(2));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 2, add: false));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 2, add: false, lost: true));
        Assert.True(Lacks(1) && Lacks(2));
        _files.Sound();
    }

    [Fact]
    public void What_was_lacked_and_is_found_counts_again()
    {
        Ok(_files.Change(_chunk, 3, add: false));
        Ok(_files.SetState(2, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Ok(_files.Change(_chunk, 1, add: true));
        Assert.Equal((false, _files.Fs.Index), (Lacks(1), _files.Row(_chunk).ChangedAt));
        Ok(_files.Change(_chunk, 2, add: false));
        _files.Sound();
    }

    /// <summary>Who lacks it is a server of the chunk in its place in the chain, whoever goes before it or behind it.
    /// </summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(3u)]
    public void Who_lacks_a_copy_is_the_same_when_another_goes(uint gone)
    {
        var row = _files.Row(_chunk).WithLack(new ServerId(2), lacks: true, _files.Fs.Index);
        row = row.Without(new ServerId(gone));
        Assert.Equal([new ServerId(2)], row.Replicas.ToArray().Where(row.Lacks));
        Assert.Equal(0, row.Without(new ServerId(2)).Lacking);
        Assert.Equal(row.Lacking, row.Without(new ServerId(9)).Lacking);
        Assert.Equal(0, row.NextVersion(0, _files.Fs.Index).Lacking);
        Assert.Equal(row.Lacking, row.NextVersion(1, _files.Fs.Index).Lacking);
    }

    [Fact]
    public void What_does_not_fit_the_state_is_skipped()
    {
        Assert.Equal(FsStatus.Stale, _files.Change(_chunk, 4, add: true, version: 2));
        Assert.Equal(FsStatus.Stale, _files.Change(_chunk, 1, add: false, version: 0));
        Assert.Equal(FsStatus.NotFound, _files.Change(new ChunkId(99), 1, add: false, version: 1));
        Assert.Equal(FsStatus.TryAgain, _files.Change(_chunk, 99, add: true));
        Ok(_files.SetState(4, ServerState.Full));
        Assert.Equal(FsStatus.TryAgain, _files.Change(_chunk, 4, add: true));

        // A writer is at it: what was copied may miss what it has written since.
        _files.Open(_file, 0, 0);
        Assert.Equal(FsStatus.Busy, _files.Change(_chunk, 5, add: true));
        _files.Sound();
    }

    [Fact]
    public void One_of_many_that_fails_does_not_keep_the_others_from_it()
    {
        var request = new ChangeReplicasRequest();
        request.Changes.Add(new ChangeReplicasRequest.Types.Change { Chunk = 99, Version = 1, Server = 4, Add = true });
        request.Changes.Add(new ChangeReplicasRequest.Types.Change { Chunk = 1, Version = 1, Server = 4, Add = true });
        Ok(_files.Command(new MetadataCommand { ChangeReplicas = request }));
        Assert.Equal([(int)FsStatus.NotFound, 0], _files.Reply.ChangeReplicas.Statuses);
        Assert.True(_files.Row(_chunk).IsOn(new ServerId(4)));
        for (var i = 0; i < 1024; i++)
        {
            request.Changes.Add(request.Changes[0]);
        }

        Assert.Equal(FsStatus.Invalid, _files.Command(new MetadataCommand { ChangeReplicas = request }));
        _files.Sound();
    }

    [Fact]
    public void So_many_and_no_more()
    {
        for (var i = 6u; i <= 18; i++)
        {
            Ok(_files.Command(new MetadataCommand
            {
                RegisterServer = new RegisterServerRequest { Store = 100 + i, Incarnation = 1, Address = "x" },
            }));
            Ok(_files.Change(_chunk, i, add: true));
        }

        Assert.Equal(FsStatus.Invalid, _files.Change(_chunk, 4, add: true));
        Assert.Equal(16, _files.Row(_chunk).Replicas.Length);
        _files.Sound();
    }

    private bool Lacks(uint server) => _files.Row(_chunk).Lacks(new ServerId(server));

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);
}
