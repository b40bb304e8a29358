vcl 4.1;

backend default {
    .host = "{{.OriginHost}}";
    .port = "{{.OriginPort}}";
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache-Status = "HIT";
    } else {
        set resp.http.X-Cache-Status = "MISS";
    }
}
