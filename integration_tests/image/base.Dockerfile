# A stand-in for Airbyte's base image, made by base.sh. For tests only.
FROM scratch
ADD rootfs.tar /
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3 /usr/local/bin/python \
 && ln -s /usr/bin/python3 /usr/local/bin/python3 \
 && useradd --uid 1000 --no-create-home airbyte \
 && mkdir /airbyte \
 && chown airbyte:airbyte /airbyte
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
