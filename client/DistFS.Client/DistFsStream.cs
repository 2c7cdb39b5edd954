using DistFS.Client.Files;
using DistFS.Primitives;

namespace DistFS.Client;

/// <summary>
/// A file as a stream. Reading ahead grows with sequential reading, up to 8 MiB; small writes are put together up to
/// 1 MiB. Asynchronous only: the synchronous methods would block threads for round trips, and throw.
/// </summary>
/// <example>
/// <code>
/// var file = await dfs.OpenReadAsync("/logs/today");
/// using var reader = new StreamReader(file.AsStream());
/// while (await reader.ReadLineAsync() is { } line)
/// {
///     Count(line);
/// }
/// </code>
/// </example>
public sealed class DistFsStream : Stream
{
    private const int AheadMax = 8;

    private readonly DistFsFile _file;
    private readonly Queue<(long Offset, byte[] Bytes, Task<int> Read)> _ahead = new();
    private readonly byte[] _written;
    private int _writtenLength;
    private long _position;
    private int _aheadTarget = 1;
    private bool _isDisposed;

    internal DistFsStream(DistFsFile file, long position)
    {
        (_file, _position) = (file, position);
        _written = file.CanWrite ? new byte[FileReader.PieceBytes] : [];
    }

    /// <inheritdoc/>
    public override bool CanRead => _file.CanRead;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => _file.CanWrite;

    /// <summary>Would take a round trip: <see cref="DistFsFile.GetLengthAsync"/> instead.</summary>
    public override long Length => throw Synchronous();

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await SendAsync(cancellationToken).ConfigureAwait(false);
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (_file.CanWrite || buffer.Length > FileReader.PieceBytes)
        {
            // What may be changed meanwhile is not read ahead; what is large brings its own memory.
            ForgetAhead();
            var direct = await _file.ReadAsync(_position, buffer, cancellationToken).ConfigureAwait(false);
            _position += direct;
            return direct;
        }

        if (_ahead.Count > 0
            && (_position < _ahead.Peek().Offset || _position >= _ahead.Peek().Offset + _ahead.Peek().Bytes.Length))
        {
            ForgetAhead();
        }

        FillAhead();
        var (offset, bytes, read) = _ahead.Peek();
        int length;
        try
        {
            length = await read.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // Whoever reads again asks again: the cause may have passed.
            ForgetAhead();
            throw;
        }

        var within = (int)(_position - offset);
        var taken = Math.Clamp(length - within, 0, buffer.Length);
        bytes.AsMemory(within, taken).CopyTo(buffer);
        _position += taken;
        if (within + taken == bytes.Length)
        {
            _ahead.Dequeue();
            _aheadTarget = Math.Min(_aheadTarget * 2, AheadMax);
        }
        else if (taken == 0)
        {
            // The end; whoever reads again asks again.
            ForgetAhead();
        }

        return taken;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ForgetAhead();
        while (!buffer.IsEmpty)
        {
            if (_writtenLength > 0 && _position % _written.Length == 0)
            {
                // It failed the last time.
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }

            if (_writtenLength == 0 && buffer.Length >= _written.Length && _position % _written.Length == 0)
            {
                var whole = buffer.Length - (buffer.Length % _written.Length);
                await _file.WriteAsync(_position, buffer[..whole], cancellationToken).ConfigureAwait(false);
                (_position, buffer) = (_position + whole, buffer[whole..]);
                continue;
            }

            // Put together up to where a request ends.
            var room = _written.Length - (int)(_position % _written.Length);
            var part = buffer[..Math.Min(buffer.Length, room)];
            part.CopyTo(_written.AsMemory(_writtenLength));
            (_writtenLength, _position) = (_writtenLength + part.Length, _position + part.Length);
            buffer = buffer[part.Length..];
            if (part.Length == room)
            {
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>All that was written is durable when this ends well (<see cref="DistFsFile.FlushAsync"/>).</summary>
    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await SendAsync(cancellationToken).ConfigureAwait(false);
        await _file.FlushAsync(isDurable: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>From the end only by what <see cref="DistFsFile.GetLengthAsync"/> tells.</summary>
    public override long Seek(long offset, SeekOrigin origin)
    {
        var to = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => throw Synchronous(),
        };
        ArgumentOutOfRangeException.ThrowIfNegative(to, nameof(offset));
        if (_writtenLength > 0)
        {
            throw new InvalidOperationException("Await FlushAsync before seeking: bytes were written here.");
        }

        return _position = to;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Asynchronous only.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw Synchronous();

    /// <summary>Asynchronous only.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw Synchronous();

    /// <summary>Asynchronous only.</summary>
    public override void Flush() => throw Synchronous();

    /// <summary>Asynchronous only: <see cref="DistFsFile.SetLengthAsync"/>.</summary>
    public override void SetLength(long value) => throw Synchronous();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        ForgetAhead();
        try
        {
            await SendAsync(default).ConfigureAwait(false);
        }
        finally
        {
            await _file.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed && _file.CanWrite)
        {
            throw new InvalidOperationException("Await DisposeAsync: what was written is not durable before.");
        }

        base.Dispose(disposing);
    }

    private static NotSupportedException Synchronous() => new("A stream of DistFS is asynchronous only.");

    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        if (_writtenLength > 0)
        {
            var bytes = _written.AsMemory(0, _writtenLength);
            await _file.WriteAsync(_position - _writtenLength, bytes, cancellation).ConfigureAwait(false);
            _writtenLength = 0;
        }
    }

    private void FillAhead()
    {
        var next = _ahead.Count > 0
            ? _ahead.Last().Offset + FileReader.PieceBytes
            : _position - (_position % FileReader.PieceBytes);
        while (_ahead.Count < _aheadTarget)
        {
            var bytes = new byte[FileReader.PieceBytes];
            _ahead.Enqueue((next, bytes, _file.ReadAsync(next, bytes).AsTask()));
            next += bytes.Length;
        }
    }

    private void ForgetAhead()
    {
        foreach (var (_, _, read) in _ahead)
        {
            // Nobody wants it any more, whatever becomes of it.
            _ = read.Exception;
        }

        _ahead.Clear();
        _aheadTarget = 1;
    }
}
