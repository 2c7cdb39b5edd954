using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>A file that was made here, as long as its content is here only.</content>
internal sealed partial class VfsFile
{
    // Under the turn.
    private NewContent? _here;

    // Under the node's gate: the session of its lease is over.
    private bool _isHereLost;

    /// <summary>It was made here a moment ago: nothing is in it, and nobody else can know of it.</summary>
    public void BeginHere() => _here = new NewContent(mount);

    /// <summary>Of which a program set the time of its last write: what was written before must not be dated after.
    /// </summary>
    /// <returns>Whether it may be set here; else behind a flush.</returns>
    public async ValueTask<bool> DateAsync(FileTime modified, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            DropLost();
            if (_here == null)
            {
                return _writer == null;
            }

            if (_isDirty && _here.Length > NodeChange.ContentBytesMax)
            {
                lock (node.Gate)
                {
                    _modified = modified;
                }
            }
            else
            {
                await SendHereAsync(cancellation).ConfigureAwait(false);
            }

            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Under the node's gate: attributes were changed here, at that time.</summary>
    public void Changed(FileTime time) => _changed = _isWritten ? time : null;

    /// <summary>Attributes were changed at the metaservers: what is told from here must not fall behind that.</summary>
    /// <param name="told">As they are now.</param>
    /// <param name="isTouched">The time of the last write too.</param>
    public void Changed(FileStatus? told, bool isTouched)
    {
        lock (node.Gate)
        {
            if (told != null && _isWritten)
            {
                (_modified, _changed) = (isTouched ? told.ModifyTime : _modified, told.ChangeTime);
            }
        }
    }

    /// <summary>Under the turn: what was written in a session that is over is lost, and was told to be.</summary>
    private void DropLost()
    {
        lock (node.Gate)
        {
            if (!_isHereLost)
            {
                return;
            }

            _isHereLost = false;
            Sent();
        }

        if (_here != null)
        {
            _here.Dispose();
            (_here, _isDirty) = (null, false);
        }
    }

    /// <summary>Under the turn and the lease; false: it does not fit, or its content is not here.</summary>
    private bool TryWriteHere(ref long offset, ReadOnlySpan<byte> content)
    {
        if (_here == null)
        {
            return false;
        }

        offset = offset < 0 ? _here.Length : offset;
        if (!_here.TryWrite(offset, content))
        {
            return false;
        }

        _isDirty = true;
        WrittenHere();
        return true;
    }

    /// <summary>Under the turn: small content is on its way, behind all that was changed here before.</summary>
    private async ValueTask SendHereAsync(CancellationToken cancellation)
    {
        if (!_isDirty || _here == null)
        {
            return;
        }

        if (!await mount.Journal.PrepareAsync(cancellation).ConfigureAwait(false))
        {
            throw Lost($"Inode {node.Inode.Value}: what was written cannot be sent.");
        }

        // Kept by what is sent, while it may be written again here.
        var bytes = _here.Bytes.ToArray();
        bool keeps;
        lock (mount.Journal.Gate)
        {
            lock (node.Gate)
            {
                if (!mount.Journal.CanAppend)
                {
                    throw Lost($"Inode {node.Inode.Value}: the session of what was written is over.");
                }

                if (!node.IsRemoved)
                {
                    var time = _modified ?? mount.Now();
                    if (_here.SentLength > _here.Length)
                    {
                        mount.Journal.Append(NodeChange.SetLength(node.Inode, _here.Length, time), node);
                    }

                    if (bytes.Length > 0)
                    {
                        mount.Journal.Append(NodeChange.Write(node.Inode, bytes, time), node);
                    }
                }

                Sent();

                // Whoever asked before this hears how it was before it.
                if (node.Known is { } known)
                {
                    node.ChangedHere(known);
                }
                else
                {
                    node.Changed();
                }

                // It may have taken so long to find room that others have the file.
                keeps = bytes.Length > 0 && !node.IsRemoved && mount.Holds(node, LeaseMode.Write);
                node.Content = keeps ? bytes : null;
            }
        }

        if (keeps)
        {
            mount.Contents.Add(node, bytes);
        }

        _here.Sent();
        _isDirty = false;
    }

    private static DistFsException Lost(string message) => new(ErrorCatalog.WritesLost, message);

    /// <summary>Under the turn: what is here is the writer's from here on.</summary>
    private async Task LeaveMemoryAsync(CancellationToken cancellation)
    {
        if (_here is not { } here)
        {
            return;
        }

        if (here.SentLength > here.Length)
        {
            await SendHereAsync(cancellation).ConfigureAwait(false);
        }

        var isDirty = _isDirty;
        await mount.SentAsync(node, cancellation).ConfigureAwait(false);
        if (isDirty && here.SentLength == 0 && _open == null && _writer == null)
        {
            (_open, _writer) = await mount.Cluster.OpenNewAsync(node.Inode, cancellation).ConfigureAwait(false);
        }
        else
        {
            await OpenAsync(cancellation).ConfigureAwait(false);
            _writer ??= await mount.Cluster.WritableAsync(_open!, cancellation).ConfigureAwait(false);
        }

        if (isDirty)
        {
            await _writer.WriteAsync(0, here.Bytes, cancellation).ConfigureAwait(false);
        }

        here.Dispose();
        (_here, _isDirty) = (null, isDirty);
    }

    /// <summary>Under the turn: cuts it, or adds zeros; false: that is for the writer or the metaservers.</summary>
    private bool TryResizeHere(long length)
    {
        if (_here == null || !IsHeld(LeaseMode.Write) || !_here.TryResize(length))
        {
            return false;
        }

        _isDirty = true;
        WrittenHere();
        return true;
    }

    private void WrittenHere()
    {
        lock (node.Gate)
        {
            (_isWritten, _isHere, _end) = (true, true, _here!.Length);
            node.Content = null;
            _modified = _changed = mount.Now();
            node.Known = node.Known is { } known ? Overlay(known) : null;
        }
    }
}
