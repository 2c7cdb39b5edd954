using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace DistFS.Cli.Output;

/// <summary>Writes JSON documents for scripts and people.</summary>
internal static class JsonOutput
{
    /// <summary>Writes one document and the end of its line.</summary>
    public static void Write<T>(TextWriter writer, T value, JsonTypeInfo<T> type, bool indented)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var buffer = new ArrayBufferWriter<byte>();

        // The output is no HTML: quotes and letters beyond ASCII stay readable.
        var encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = indented, Encoder = encoder }))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        writer.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
